// One user of the unmodified Firebase Admin SDK for Node: a call a line in, its outcome a line
// out. driver.py says the form and answers the same calls with the SDK for Python. Packages are
// found by NODE_PATH.
'use strict';
const readline = require('node:readline');
const { initializeApp } = require('firebase-admin/app');
const { getMachineLearning } = require('firebase-admin/machine-learning');
const { getProjectManagement } = require('firebase-admin/project-management');
const { getStorage } = require('firebase-admin/storage');

const BUCKET = 'sdk-models';

const app = initializeApp({ storageBucket: BUCKET });
const ml = getMachineLearning(app);
const bucket = getStorage(app).bucket();
const models = new Map();

// What a scenario compares, in the words of the REST API.
function told(model) {
  models.set(model.modelId, model);
  const file = model.tfliteModel;
  const raw = { ...model.toJSON() };
  return {
    id: model.modelId, displayName: model.displayName, tags: model.tags ?? [],
    published: model.published, locked: model.locked,
    validationError: model.validationError ?? null, modelHash: model.modelHash ?? null,
    etag: model.etag, sizeBytes: file?.sizeBytes == null ? null : Number(file.sizeBytes),
    gcsUri: file?.gcsTfliteUri ?? null, raw,
  };
}

const changeOf = ({ displayName, tags, gcsUri }) => ({
  ...(displayName !== undefined && { displayName }),
  ...(tags !== undefined && { tags }),
  ...(gcsUri !== undefined && { tfliteModel: { gcsTfliteUri: gcsUri } }),
});

const objectTold = (found) => ({
  name: found.name, size: Number(found.size), crc32c: found.crc32c,
  contentType: found.contentType ?? null,
});

const calls = {
  async uploadModel({ path }) {
    const name = path.split('/').at(-1);
    await bucket.upload(path, { destination: `Firebase/ML/Models/${name}` });
    return `gs://${BUCKET}/Firebase/ML/Models/${name}`;
  },
  create: async (change) => told(await ml.createModel(changeOf(change))),
  createAgain: async ({ id }) =>
    told(await ml.createModel({ displayName: models.get(id).displayName })),
  update: async ({ id, ...change }) => told(await ml.updateModel(id, changeOf(change))),
  get: async ({ id }) => told(await ml.getModel(id)),
  publish: async ({ id }) => told(await ml.publishModel(id)),
  unpublish: async ({ id }) => told(await ml.unpublishModel(id)),
  delete: async ({ id }) => { await ml.deleteModel(id); return null; },
  async list(options) {
    const page = await ml.listModels(options);
    return { models: page.models.map(told), nextPageToken: page.pageToken ?? '' };
  },
  async listAll(options) {
    const names = [];
    let pageToken;
    do {
      const page = await ml.listModels({ ...options, ...(pageToken && { pageToken }) });
      names.push(...page.models.map((model) => model.displayName));
      pageToken = page.pageToken;
    } while (pageToken);
    return names;
  },
  async waitForUnlocked({ id, seconds }) {
    await models.get(id).waitForUnlocked(seconds * 1000);
    return told(models.get(id));
  },
  // The library repeats only what a precondition makes safe to repeat.
  async upload({ name, path, resumable = false, chunkBytes, onlyNew }) {
    const [file] = await bucket.upload(path, {
      destination: name, resumable, ...(chunkBytes && { chunkSize: chunkBytes }),
      ...(onlyNew && { preconditionOpts: { ifGenerationMatch: 0 } }) });
    return objectTold(file.metadata);
  },
  metadata: async ({ name }) => objectTold((await bucket.file(name).getMetadata())[0]),
  async listObjects({ pageSize, ...query }) {
    const names = [];
    const prefixes = new Set();
    let next = { ...query, ...(pageSize && { maxResults: pageSize }), autoPaginate: false };
    while (next) {
      const [files, following, reply] = await bucket.getFiles(next);
      names.push(...files.map((file) => file.name));
      for (const prefix of reply?.prefixes ?? []) prefixes.add(prefix);
      next = following;
    }
    return { names, prefixes: [...prefixes].sort() };
  },
  async download({ name, first, last }) {
    const range = first === undefined ? {} : { start: first, end: last, validation: false };
    return (await bucket.file(name).download(range))[0].toString('base64');
  },
  signedUrl: async ({ name, version, seconds = 600 }) => (await bucket.file(name).getSignedUrl(
    { version, action: 'read', expires: Date.now() + seconds * 1000 }))[0],
  async compose({ name, parts }) {
    const [file] = await bucket.combine(parts.map((part) => bucket.file(part)), bucket.file(name));
    return objectTold((await file.getMetadata())[0]);
  },
  async createAndroidApp({ packageName, displayName }) {
    const made = await getProjectManagement(app).createAndroidApp(packageName, displayName);
    return made.getMetadata();
  },
  async changeAndroidApp({ appId, displayName, shaHash }) {
    const projects = getProjectManagement(app);
    const changed = projects.androidApp(appId);
    await changed.setDisplayName(displayName);
    await changed.addShaCertificate(projects.shaCertificate(shaHash));
    const [certificate] = await changed.getShaCertificates();
    await changed.deleteShaCertificate(certificate);
    return {
      ...await changed.getMetadata(), certificate: certificate.shaHash,
      left: (await changed.getShaCertificates()).length,
    };
  },
  listApps: async () => getProjectManagement(app).listAppMetadata(),
  exists: async ({ name }) => (await bucket.file(name).exists())[0],
  remove: async ({ name }) => { await bucket.file(name).delete(); return null; },
};

async function outcome({ call, arguments: given }) {
  try {
    return { value: (await calls[call](given)) ?? null };
  } catch (error) {
    const code = String(error.code ?? error.name).replace(/^(machine-learning|project-management)\//, '');
    return { error: { code, message: String(error.message), hasReply: Boolean(error.httpResponse) } };
  }
}

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    process.stdout.write(JSON.stringify(await outcome(JSON.parse(line))) + '\n');
  }
})();
