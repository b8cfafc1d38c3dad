import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Cluster, type ClusterOptions, createCluster } from 'kernetes';
import { until } from './eventually.ts';
import { type Differences, EMULATED, NEWEST } from './replay-differences.ts';
import { Wire } from './wire.ts';

/**
 * What a real server (v1.20.2) answered to a request, asked again of ours: the same status code,
 * reason, cause reasons and fields, the same text, and the same defaulted fields. What differs on
 * purpose is listed with its reason in `replay-differences.ts`: of a server that emulates the
 * recorded one, next to nothing.
 */
const REFERENCE = join(import.meta.dirname, '../testdata/reference/v1.20');

interface Recording {
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly body?: unknown;
    readonly contentType?: string;
  };
  readonly response: { readonly code: number; readonly body: Status & Record<string, unknown> };
}

interface Status {
  readonly message?: string;
  readonly reason?: string;
  readonly details?: { readonly causes?: readonly { reason?: string; field?: string }[] };
}

const SERVERS: readonly [string, ClusterOptions, Differences][] = [
  ['that emulates it', { emulate: '1.20' }, EMULATED],
  ['that is newer', {}, NEWEST],
];
for (const [which, options, differences] of SERVERS) {
  describe(`what a real server tells, by a server ${which}`, { timeout: 120_000 }, () => {
    let cluster: Cluster;
    let wire: Wire;
    before(async () => {
      cluster = await createCluster({ nodes: 0, ...options });
      wire = new Wire(await cluster.kubeconfig());
      if (options.emulate !== undefined) await until(() => hasToken(wire));
    });
    after(() => cluster?.close());

    for (const { name, recording } of recordings('errors')) {
      const skip = differences.notServed[name] ?? false;
      const { code, body } = recording.response;
      it(`${name}: ${code} ${body.reason ?? ''}`, { skip }, async () => {
        const answer = await replay(wire, recording);
        const wanted = { ...toFacts(code, body), ...differences.errors[name]?.wanted };
        assert.deepEqual(toFacts(answer.code, answer.body as Status), wanted);
        if (name in differences.errors) return;
        const isSame = textOf(answer.body as Status) === textOf(body);
        assert.equal(isSame, !(name in differences.texts), JSON.stringify(answer.body));
        if (isSame) assert.deepEqual(aboutWhat(answer.body as Status), aboutWhat(body));
      });
    }

    for (const { name, recording } of recordings('defaults')) {
      const skip = differences.notServed[name] ?? false;
      it(`${name} with its defaults`, { skip }, async () => {
        const answer = await replay(wire, recording);
        const wanted = flatten(withoutServerFields(recording.response.body));
        assert.equal(answer.code, recording.response.code, JSON.stringify(answer.body));
        const found = flatten(withoutServerFields(answer.body as Record<string, unknown>));
        const listed = listedFor(name, differences);
        for (const facts of [wanted, found]) {
          for (const field of Object.keys(facts)) if (listed(field)) delete facts[field];
        }
        assert.deepEqual(found, wanted);
      });
    }
  });
}

/** Before its account has one, a pod of v1.20 is refused. */
async function hasToken(wire: Wire): Promise<boolean> {
  const { body } = await wire.send('GET', '/api/v1/namespaces/default/serviceaccounts/default');
  return 'secrets' in (body as object);
}

function replay(wire: Wire, { request }: Recording) {
  return wire.send(request.method, request.path, request.body, request.contentType);
}

function recordings(folder: string): { name: string; recording: Recording }[] {
  return readdirSync(join(REFERENCE, folder))
    .map(file => file.replace(/\.json$/, ''))
    .map(name => {
      const text = readFileSync(join(REFERENCE, folder, `${name}.json`), 'utf8');
      return { name, recording: JSON.parse(text) as Recording };
    });
}

/** Tells of a field whether it is one that differs on purpose, or is part of one. */
function listedFor(recording: string, { everywhere, defaults }: Differences) {
  const fields = (defaults[recording] ?? []).flatMap(each => each.fields);
  return (field: string) =>
    everywhere.some(({ pattern }) => pattern.test(field)) ||
    fields.some(
      each => field === each || field.startsWith(`${each}.`) || field.startsWith(`${each}[`),
    );
}

/** What programs look at. */
function toFacts(code: number, { reason, details }: Status) {
  const causes = (details?.causes ?? []).map(cause => [cause.reason, cause.field]);
  return { code, reason, causes };
}

/** Which object it was, and when to come again. */
function aboutWhat({ details }: Status): object {
  const { causes: _, ...rest } = details ?? {};
  return rest;
}

function textOf({ message }: Status): string | undefined {
  return message?.replace(REVISION, '$1');
}

function withoutServerFields(object: Record<string, unknown>): Record<string, unknown> {
  const metadata = { ...(object.metadata as Record<string, unknown>) };
  for (const field of SERVER_FIELDS) delete metadata[field];
  return { ...object, metadata };
}

const SERVER_FIELDS = [
  'uid',
  'resourceVersion',
  'creationTimestamp',
  'managedFields',
  'generation',
  'selfLink',
];

/** `{ 'spec.ports[0].port': 80 }`, so that a difference is one line. */
function flatten(
  value: unknown,
  path = '',
  into: Record<string, unknown> = {},
): Record<string, unknown> {
  if (Array.isArray(value) && value.length > 0) {
    for (const [i, each] of value.entries()) flatten(each, `${path}[${i}]`, into);
  } else if (typeof value === 'object' && value !== null && Object.keys(value).length > 0) {
    for (const [key, each] of Object.entries(value))
      flatten(each, path ? `${path}.${key}` : key, into);
  } else {
    into[path] = typeof value === 'string' ? value.replace(TOKEN_NAME, '$1?????') : value;
  }
  return into;
}

/** Every cluster has made as many changes as it has. */
const REVISION = /(current: )\d+$/;
/** Secrets of service accounts end in what was drawn. */
const TOKEN_NAME = /^(default-token-)[a-z0-9]{5}$/;
