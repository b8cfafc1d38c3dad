import { toTime } from '../../sdk/clock.ts';
import type { DoorAnswer } from '../../sdk/door.ts';
import type { KubeObject } from '../../sdk/kind.ts';
import { randomSuffix } from '../../sdk/random.ts';
import { alreadyExists, badRequest, methodNotAllowed } from '../../sdk/status.ts';
import { cloneJson } from '../clone.ts';
import { Limits } from '../limits.ts';
import type { StoredObject } from '../store/stored-object.ts';
import type { RequestContext } from './context.ts';
import { draft } from './draft.ts';

/**
 * decode → default → mutate → prepare → validate → admit → managedFields → storage version →
 * commit. Upstream's order (`rest.Create`).
 */
export async function create(context: RequestContext): Promise<DoorAnswer> {
  const object = context.decodeObject(context.request.body);
  return createObject(context, object);
}

/** `object` is taken over. */
export async function createObject(
  context: RequestContext,
  object: KubeObject,
): Promise<DoorAnswer> {
  checkIdentity(context, object);
  context.served.version.defaults?.(object);
  const generated = !object.metadata.name && object.metadata.generateName !== undefined;
  context.drawsName = generated;
  for (let attempt = 1; ; attempt++) {
    if (generated) drawName(context, object);
    const stored = await attemptCreate(context, object);
    if (stored !== undefined) return answer(context, stored);
    if (!generated || attempt === Limits.generateNameAttemptsMax) {
      throw alreadyExists(context.served.subject, object.metadata.name ?? '');
    }
  }
}

/** Undefined: the name is taken. */
async function attemptCreate(
  context: RequestContext,
  given: KubeObject,
): Promise<StoredObject | undefined> {
  const { served } = context;
  // A second attempt must begin with what came in, not with what the first made of it.
  const object = given.metadata.generateName ? cloneJson(given) : given;
  try {
    // Nobody owns what admission and the kind add, as upstream: only what came in is tracked.
    stripServerFields(context, object);
    const tracked = context.trackFields(object, undefined);
    if (tracked) await tracked;
    const admitted = (await context.mutate('CREATE', object)) ?? object;
    prepare(context, admitted);
    context.validate(admitted, undefined);
    await context.validateAdmission(admitted);
    const key = served.key(admitted.metadata.namespace, admitted.metadata.name ?? '');
    const given = served.kept(admitted);
    const kept = given instanceof Promise ? await given : given;
    if (context.dryRun) return served.store.get(key) ? undefined : draft(context, key, kept);
    const outcome = await context.commit({ key, expected: 0, object: kept });
    return outcome.ok ? outcome.stored : undefined;
  } finally {
    context.abandon();
  }
}

function checkIdentity({ request, served }: RequestContext, object: KubeObject): void {
  const { metadata } = object;
  if (served.kind.namespaced && !metadata.namespace) throw methodNotAllowed();
  if (metadata.resourceVersion) {
    throw badRequest('resourceVersion should not be set on objects to be created');
  }
  delete metadata.resourceVersion;
  if (request.name && metadata.name && request.name !== metadata.name) {
    throw badRequest(
      `the name of the object (${metadata.name}) does not match the name on the URL (${request.name})`,
    );
  }
}

function drawName(context: RequestContext, { metadata }: KubeObject): void {
  const base = (metadata.generateName ?? '').slice(0, NAME_LENGTH_MAX - SUFFIX_LENGTH);
  if (base === '') return;
  metadata.name = base + randomSuffix(context.stages.random, SUFFIX_LENGTH);
}

/** What only the server sets, and the kind's own preparation. */
function prepare(context: RequestContext, object: KubeObject): void {
  const { strategy } = context.served.kind;
  const { metadata } = object;
  const { clock, random } = context.stages;
  // Admission may have set some again.
  stripServerFields(context, object);
  metadata.uid = random.uuid();
  metadata.creationTimestamp = toTime(clock.now());
  if (strategy.generation) metadata.generation = 1;
  strategy.prepareCreate?.(object, context.strategy);
}

/** What a client cannot say. */
function stripServerFields(context: RequestContext, object: KubeObject): void {
  const { strategy } = context.served.kind;
  const { metadata } = object;
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  delete metadata.selfLink;
  delete metadata.generation;
  if (strategy.status && !strategy.keepStatusOnCreate) delete (object as WithStatus).status;
}

async function answer(
  { served, warnings }: RequestContext,
  stored: StoredObject,
): Promise<DoorAnswer> {
  return { type: 'object', object: await served.show(stored), created: true, warnings };
}

interface WithStatus {
  status?: unknown;
}

/** A name drawn for a generateName fits a DNS label, as upstream cuts it. */
const NAME_LENGTH_MAX = 63;
const SUFFIX_LENGTH = 5;
