#include "server/registry/model_rows.h"

#include <map>

#include "crypto/crypto.h"
#include "protocol/json.h"
#include "server/registry/test_devices.h"

namespace godwit::server {
namespace {

std::string TagsText(const std::vector<std::string>& tags) {
  Json array = Json::Array();
  for (const std::string& tag : tags) array.Add(tag);
  return array.Serialize();
}

Result<std::vector<std::string>> ParseTags(const std::string& text) {
  GODWIT_ASSIGN_OR_RETURN(const Json array, Json::Parse(text));
  std::vector<std::string> tags;
  for (const Json& tag : array.items()) tags.push_back(tag.AsString());
  return tags;
}

Status NameTaken(const Model& model, Status status) {
  if (status.code() != StatusCode::kAlreadyExists) return status;
  return Status(StatusCode::kAlreadyExists, "Model '" + model.display_name + "' already exists");
}

constexpr char kVersionColumns[] =
    "version, sha256, size_bytes, create_time_ms, revoked_ms, revoked_by, revoked_reason, "
    "golden_sha256, golden_size_bytes";
constexpr size_t kVersionColumnCount = 9;

// The columns of kVersionColumns.
Result<Version> VersionFromRow(const SqlRow& row, size_t first) {
  Version version;
  version.number = row.Int(first);
  GODWIT_ASSIGN_OR_RETURN(version.digest, Digest::Parse(row.Text(first + 1)));
  version.size_bytes = static_cast<uint64_t>(row.Int(first + 2));
  version.create_time_ms = row.Int(first + 3);
  if (row.Int(first + 4) != 0) {
    version.revocation = std::make_shared<const Revocation>(
        Revocation{row.Int(first + 4), row.Text(first + 5), row.Text(first + 6)});
  }
  if (!row.Text(first + 7).empty()) {
    GODWIT_ASSIGN_OR_RETURN(const Digest golden, Digest::Parse(row.Text(first + 7)));
    version.golden = Golden{golden, static_cast<uint64_t>(row.Int(first + 8))};
  }
  return version;
}

Result<std::map<ModelKey, std::vector<Version>>> ReadAllVersions(SqlConnection& connection) {
  GODWIT_ASSIGN_OR_RETURN(
      const SqlRows rows,
      connection.Query("SELECT project_number, model_id, " + std::string(kVersionColumns) +
                       " FROM versions ORDER BY project_number, model_id, version"));
  std::map<ModelKey, std::vector<Version>> versions;
  for (const SqlRow& row : rows) {
    GODWIT_ASSIGN_OR_RETURN(const Version version, VersionFromRow(row, 2));
    versions[{row.Int(0), row.Text(1)}].push_back(version);
  }
  return versions;
}

Result<std::map<ModelKey, std::vector<Alias>>> ReadAllAliases(SqlConnection& connection) {
  GODWIT_ASSIGN_OR_RETURN(
      const SqlRows rows,
      connection.Query("SELECT project_number, model_id, alias, version FROM model_aliases "
                       "ORDER BY project_number, model_id, alias"));
  std::map<ModelKey, std::vector<Alias>> aliases;
  for (const SqlRow& row : rows) {
    aliases[{row.Int(0), row.Text(1)}].push_back({row.Text(2), row.Int(3)});
  }
  return aliases;
}

Result<std::map<ModelKey, std::string>> ReadActiveOperations(SqlConnection& connection) {
  GODWIT_ASSIGN_OR_RETURN(
      const SqlRows rows,
      connection.Query("SELECT project_number, model_id, operation_id FROM operations "
                       "WHERE done_time_ms = 0"));
  std::map<ModelKey, std::string> operations;
  for (const SqlRow& row : rows) operations[{row.Int(0), row.Text(1)}] = row.Text(2);
  return operations;
}

// What stands in `map` under the key; empty when nothing does.
template <typename Map>
typename Map::mapped_type Take(Map& map, const ModelKey& key) {
  const auto found = map.find(key);
  return found == map.end() ? typename Map::mapped_type() : std::move(found->second);
}

}  // namespace

Result<std::vector<ModelPointer>> ReadModels(SqlConnection& connection) {
  GODWIT_ASSIGN_OR_RETURN(auto versions, ReadAllVersions(connection));
  GODWIT_ASSIGN_OR_RETURN(auto aliases, ReadAllAliases(connection));
  GODWIT_ASSIGN_OR_RETURN(auto test_devices, ReadAllTestDevices(connection));
  GODWIT_ASSIGN_OR_RETURN(auto operations, ReadActiveOperations(connection));
  GODWIT_ASSIGN_OR_RETURN(
      const SqlRows rows,
      connection.Query("SELECT project_number, model_id, display_name, tags, source_uri, "
                       "validation_error, latest_version, published_version, etag, "
                       "create_time_ms, update_time_ms, publication, rollback_version FROM "
                       "models"));
  std::vector<ModelPointer> models;
  models.reserve(rows.size());
  for (const SqlRow& row : rows) {
    auto model = std::make_shared<Model>();
    model->project_number = row.Int(0);
    model->id = row.Text(1);
    model->display_name = row.Text(2);
    GODWIT_ASSIGN_OR_RETURN(model->tags, ParseTags(row.Text(3)));
    model->source_uri = row.Text(4);
    model->validation_error = row.Text(5);
    model->latest = row.Int(6);
    model->published = row.Int(7);
    model->etag = row.Int(8);
    model->create_time_ms = row.Int(9);
    model->update_time_ms = row.Int(10);
    model->publication = row.Int(11);
    model->rollback_version = row.Int(12);
    const ModelKey key{model->project_number, model->id};
    model->versions = Take(versions, key);
    model->aliases = Take(aliases, key);
    model->test_devices = Take(test_devices, key);
    model->active_operation = Take(operations, key);
    models.push_back(std::move(model));
  }
  return models;
}

Result<std::string> ReserveModelId(SqlConnection& connection) {
  constexpr int kAttemptsMax = 16;
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    uint64_t random = 0;
    FillRandom(std::as_writable_bytes(std::span(&random, 1)));
    // Twelve digits, the first never 0, so that tools that turn ids into integers keep them.
    const std::string id = std::to_string(100'000'000'000ull + random % 900'000'000'000ull);
    const auto inserted = connection.Execute(
        "INSERT INTO model_ids (model_id) VALUES ($1) ON CONFLICT (model_id) DO NOTHING", {id});
    if (!inserted.ok()) return inserted.status();
    if (*inserted == 1) return id;
  }
  return Status(StatusCode::kInternal, "no free model id was found; try again");
}

Status InsertModel(SqlConnection& connection, const Model& model, std::string_view create_request) {
  return NameTaken(
      model,
      connection
          .Execute("INSERT INTO models (project_number, model_id, display_name, tags, source_uri, "
                   "validation_error, latest_version, published_version, etag, create_time_ms, "
                   "update_time_ms, publication, rollback_version, create_request) VALUES ($1, $2, "
                   "$3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
                   {model.project_number, model.id, model.display_name, TagsText(model.tags),
                    model.source_uri, model.validation_error, model.latest, model.published,
                    model.etag, model.create_time_ms, model.update_time_ms, model.publication,
                    model.rollback_version, std::string(create_request)})
          .status());
}

Status UpdateModel(SqlConnection& connection, const Model& model) {
  return NameTaken(
      model,
      connection
          .Execute("UPDATE models SET display_name = $3, tags = $4, source_uri = $5, "
                   "validation_error = $6, latest_version = $7, published_version = $8, "
                   "etag = $9, update_time_ms = $10, publication = $11, rollback_version = $12 "
                   "WHERE project_number = $1 AND model_id = $2",
                   {model.project_number, model.id, model.display_name, TagsText(model.tags),
                    model.source_uri, model.validation_error, model.latest, model.published,
                    model.etag, model.update_time_ms, model.publication, model.rollback_version})
          .status());
}

Status DeleteModel(SqlConnection& connection, const Model& model) {
  for (const char* table :
       {"versions", "model_aliases", "test_devices", "publications", "operations", "models"}) {
    GODWIT_RETURN_IF_ERROR(connection
                               .Execute("DELETE FROM " + std::string(table) +
                                            " WHERE project_number = $1 AND model_id = $2",
                                        {model.project_number, model.id})
                               .status());
  }
  return Status::Ok();
}

Status InsertVersion(SqlConnection& connection, const Model& model, const VersionRecord& record) {
  const Version& version = record.version;
  const std::string sha256 = version.digest.ToHex();
  GODWIT_RETURN_IF_ERROR(
      connection.Execute("DELETE FROM unreferenced_blobs WHERE sha256 = $1", {sha256}).status());
  return connection
      .Execute(
          "INSERT INTO versions (project_number, model_id, version, sha256, size_bytes, "
          "source_uri, structure, create_time_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
          {model.project_number, model.id, version.number, sha256,
           static_cast<int64_t>(version.size_bytes), record.source_uri, record.structure,
           version.create_time_ms})
      .status();
}

Status UpdateVersion(SqlConnection& connection, const Model& model, const Version& version) {
  const Revocation revocation = version.revocation ? *version.revocation : Revocation{};
  const std::string golden = version.golden ? version.golden->digest.ToHex() : "";
  if (version.golden) {
    GODWIT_RETURN_IF_ERROR(
        connection.Execute("DELETE FROM unreferenced_blobs WHERE sha256 = $1", {golden}).status());
  }
  return connection
      .Execute(
          "UPDATE versions SET revoked_ms = $4, revoked_by = $5, revoked_reason = $6, "
          "golden_sha256 = $7, golden_size_bytes = $8 "
          "WHERE project_number = $1 AND model_id = $2 AND version = $3",
          {model.project_number, model.id, version.number, revocation.time_ms, revocation.actor,
           revocation.reason, golden,
           static_cast<int64_t>(version.golden ? version.golden->size_bytes : 0)})
      .status();
}

Status DeleteVersion(SqlConnection& connection, const Model& model, int64_t number) {
  return connection
      .Execute("DELETE FROM versions WHERE project_number = $1 AND model_id = $2 AND version = $3",
               {model.project_number, model.id, number})
      .status();
}

Status ReplaceAliases(SqlConnection& connection, const Model& model) {
  GODWIT_RETURN_IF_ERROR(
      connection
          .Execute("DELETE FROM model_aliases WHERE project_number = $1 AND model_id = $2",
                   {model.project_number, model.id})
          .status());
  for (const Alias& alias : model.aliases) {
    GODWIT_RETURN_IF_ERROR(
        connection
            .Execute("INSERT INTO model_aliases (project_number, model_id, alias, version) "
                     "VALUES ($1, $2, $3, $4)",
                     {model.project_number, model.id, alias.name, alias.version})
            .status());
  }
  return Status::Ok();
}

Result<std::string> ReadCreateRequest(SqlConnection& connection, const Model& model) {
  GODWIT_ASSIGN_OR_RETURN(
      const SqlRows rows,
      connection.Query(
          "SELECT create_request FROM models WHERE project_number = $1 AND model_id = $2",
          {model.project_number, model.id}));
  return rows.empty() ? std::string() : rows[0].Text(0);
}

Result<std::vector<VersionRecord>> ReadVersions(SqlConnection& connection, const Model& model,
                                                int64_t before, int limit) {
  GODWIT_ASSIGN_OR_RETURN(
      const SqlRows rows,
      connection.Query(
          "SELECT " + std::string(kVersionColumns) +
              ", source_uri, structure "
              "FROM versions WHERE project_number = $1 AND model_id = $2 AND version < $3 "
              "ORDER BY version DESC LIMIT $4",
          {model.project_number, model.id, before, static_cast<int64_t>(limit)}));
  std::vector<VersionRecord> records;
  for (const SqlRow& row : rows) {
    GODWIT_ASSIGN_OR_RETURN(const Version version, VersionFromRow(row, 0));
    records.push_back({version, row.Text(kVersionColumnCount), row.Text(kVersionColumnCount + 1)});
  }
  return records;
}

}  // namespace godwit::server
