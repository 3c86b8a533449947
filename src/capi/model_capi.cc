#include "capi/handles.h"

const char* godwit_model_name(const godwit_model* model) { return model->model.name.c_str(); }

const char* godwit_model_path(const godwit_model* model) { return model->model.path.c_str(); }

const char* godwit_model_hash(const godwit_model* model) { return model->model.hash.c_str(); }

uint64_t godwit_model_size_bytes(const godwit_model* model) { return model->model.size_bytes; }

uint64_t godwit_model_version(const godwit_model* model) {
  return model->model.version.value_or(0);
}

void godwit_model_close(godwit_model* model) { delete model; }

size_t godwit_model_list_count(const godwit_model_list* list) { return list->models.size(); }

const godwit_model* godwit_model_list_get(const godwit_model_list* list, size_t index) {
  return index < list->models.size() ? &list->models[index] : nullptr;
}

void godwit_model_list_close(godwit_model_list* list) { delete list; }
