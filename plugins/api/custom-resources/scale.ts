import {
  builtInSchema,
  type CustomResourceSubresourceScale,
  defineSubresource,
  type FieldError,
  internalError,
  invalid,
  invalidValue,
  isSchema,
  type KubeObject,
  type Scale,
  type Subresource,
} from 'kernetes/sdk';

const REPLICAS_MAX = 2 ** 31 - 1;

/** An autoscaling/v1 Scale by the paths that a definition gives. */
export function scaleSubresource(paths: CustomResourceSubresourceScale): Subresource {
  const schema = builtInSchema('autoscaling', 'v1', 'Scale');
  return defineSubresource<KubeObject>({
    name: 'scale',
    body: { group: 'autoscaling', version: 'v1', kind: 'Scale', schema },
    verbs: ['get', 'update', 'patch'],
    get: object => scaleOf(object, paths),
    apply(object, body) {
      const { metadata, spec } = body as Scale;
      const replicas = spec?.replicas ?? 0;
      if (replicas < 0) {
        const why = 'must be greater than or equal to 0';
        const errors = [invalidValue('spec.replicas', replicas, why)];
        throw invalid({ group: 'autoscaling', kind: 'Scale' }, metadata.name ?? '', errors);
      }
      setAt(object, paths.specReplicasPath, replicas);
      return undefined;
    },
    appliedAs(body) {
      const { replicas } = (body as Scale).spec ?? {};
      const part: Record<string, unknown> = {};
      if (replicas !== undefined) setAt(part, paths.specReplicasPath, replicas);
      return part;
    },
  });
}

/** What is wrong with the numbers that a Scale is made of. */
export function scaleErrors(
  object: KubeObject,
  { specReplicasPath, statusReplicasPath }: CustomResourceSubresourceScale,
): FieldError[] {
  return [specReplicasPath, statusReplicasPath].flatMap(path => {
    const value = getAt(object, path);
    const at = path.slice(1);
    if (typeof value !== 'number') return [];
    if (value < 0) return [invalidValue(at, value, 'should be a non-negative integer')];
    if (value <= REPLICAS_MAX) return [];
    return [invalidValue(at, value, `should be less than or equal to ${REPLICAS_MAX}`)];
  });
}

function scaleOf(object: KubeObject, paths: CustomResourceSubresourceScale): Scale {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const replicas = getAt(object, paths.specReplicasPath);
  if (typeof replicas !== 'number') {
    throw internalError(`the spec replicas field "${paths.specReplicasPath}" does not exist`);
  }
  const ready = getAt(object, paths.statusReplicasPath);
  const selector = paths.labelSelectorPath && getAt(object, paths.labelSelectorPath);
  const metadata = { name, namespace, uid, resourceVersion, creationTimestamp };
  const known = Object.entries(metadata).filter(([, value]) => value !== undefined);
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: Object.fromEntries(known),
    // As Go prints them: a zero in `spec` is left out, in `status` it is not.
    spec: replicas ? { replicas } : {},
    status: {
      replicas: typeof ready === 'number' ? ready : 0,
      ...(typeof selector === 'string' && selector && { selector }),
    },
  };
}

function stepsOf(path: string): string[] {
  return path.split('.').slice(1);
}

function getAt(object: unknown, path: string): unknown {
  return stepsOf(path).reduce<unknown>(
    (value, step) =>
      isSchema(value) && Object.hasOwn(value, step)
        ? (value as Record<string, unknown>)[step]
        : undefined,
    object,
  );
}

function setAt(object: object, path: string, value: number): void {
  const steps = stepsOf(path);
  const last = steps.pop() ?? '';
  let at = object as Record<string, unknown>;
  for (const step of steps) {
    if (!Object.hasOwn(at, step) || !isSchema(at[step])) at[step] = {};
    at = at[step] as Record<string, unknown>;
  }
  at[last] = value;
}
