import {
  type AdmissionPlugin,
  type AdmissionRequest,
  admissionForbidden,
  type Find,
  internalError,
  labelKeyErrors,
  labelValueErrors,
  type Namespace,
  notFound,
  type Pod,
  type StringMap,
} from 'kernetes/sdk';

export interface Config {
  readonly clusterDefaultNodeSelector: string;
  /** Namespace -> the labels that its pods may select nodes by. */
  readonly namespaces: Readonly<StringMap>;
}

/** Throws when the configuration names selectors that are none. */
export function podNodeSelector(find: Find<Namespace>, config: Config): AdmissionPlugin {
  const fallback = parseSelector(config.clusterDefaultNodeSelector);
  const allowed = new Map(
    Object.entries(config.namespaces).map(([name, text]) => [name, parseSelector(text)]),
  );

  async function selectorFor({ namespace }: AdmissionRequest): Promise<StringMap> {
    const found = await find(namespace);
    if (found === undefined) throw notFound({ group: '', resource: 'namespaces' }, namespace);
    const annotation = found.metadata.annotations?.[ANNOTATION];
    if (annotation === undefined) return fallback;
    try {
      return parseSelector(annotation);
    } catch (error) {
      throw internalError(error);
    }
  }

  return {
    rules: [{ operations: ['CREATE'], groups: [''], resources: ['pods'] }],
    async mutate(request) {
      const { spec } = request.object as Pod;
      const selector = await selectorFor(request);
      if (spec === undefined) return;
      refuseConflict(request, spec.nodeSelector, selector);
      const merged = { ...selector, ...spec.nodeSelector };
      if (Object.keys(merged).length > 0) spec.nodeSelector = merged;
    },
    async validate(request) {
      const { nodeSelector = {} } = (request.object as Pod).spec ?? {};
      refuseConflict(request, nodeSelector, await selectorFor(request));
      const labels = allowed.get(request.namespace) ?? {};
      if (Object.keys(labels).length === 0 || isWithin(nodeSelector, labels)) return;
      const why = 'pod node label selector labels conflict with its namespace whitelist';
      throw admissionForbidden(request, why);
    },
  };
}

/** Of `a=b,c=d`. */
function parseSelector(text: string): StringMap {
  const labels: StringMap = {};
  if (text === '') return labels;
  for (const part of text.split(',')) {
    const [key = '', value, ...more] = part.split('=').map(each => each.trim());
    if (value === undefined || more.length > 0) throw new Error(`invalid selector: [${text}]`);
    const wrong = labelKeyErrors(key) ?? labelValueErrors(value);
    if (wrong !== undefined) throw new Error(`invalid selector: [${text}]: ${wrong.join('; ')}`);
    labels[key] = value;
  }
  return labels;
}

function refuseConflict(
  request: AdmissionRequest,
  nodeSelector: Readonly<StringMap> = {},
  selector: Readonly<StringMap>,
): void {
  const conflicts = Object.entries(selector).some(
    ([key, value]) => nodeSelector[key] !== undefined && nodeSelector[key] !== value,
  );
  if (!conflicts) return;
  const why = 'pod node label selector conflicts with its namespace node label selector';
  throw admissionForbidden(request, why);
}

function isWithin(labels: Readonly<StringMap>, allowed: Readonly<StringMap>): boolean {
  return Object.entries(labels).every(([key, value]) => allowed[key] === value);
}

const ANNOTATION = 'scheduler.alpha.kubernetes.io/node-selector';
