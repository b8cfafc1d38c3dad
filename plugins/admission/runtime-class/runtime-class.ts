import {
  type AdmissionPlugin,
  type AdmissionRequest,
  admissionForbidden,
  compareQuantities,
  type Find,
  type Pod,
  type PodSpec,
  parseQuantity,
  type RuntimeClass,
  type StringMap,
} from 'kernetes/sdk';
import { mergeTolerations } from './merge-tolerations.ts';

export function runtimeClassAdmission(find: Find<RuntimeClass>): AdmissionPlugin {
  return {
    rules: [{ operations: ['CREATE'], groups: [''], resources: ['pods'] }],
    mutate(request) {
      return withClass(find, request, (spec, runtimeClass) => {
        if (runtimeClass === undefined) return;
        setOverhead(request, spec, runtimeClass);
        setScheduling(request, spec, runtimeClass);
      });
    },
    validate(request) {
      return withClass(find, request, (spec, runtimeClass) => {
        const wanted = runtimeClass?.overhead && (runtimeClass.overhead.podFixed ?? {});
        if (wanted === undefined && spec.overhead !== undefined) {
          throw admissionForbidden(request, NO_OVERHEAD);
        }
        if (wanted && !isSame(wanted, spec.overhead ?? {})) {
          throw admissionForbidden(request, OTHER_OVERHEAD);
        }
      });
    },
  };
}

/** Without a promise where the class is known, or none is asked for: so it is nearly always. */
function withClass(
  find: Find<RuntimeClass>,
  request: AdmissionRequest,
  use: (spec: PodSpec, runtimeClass: RuntimeClass | undefined) => void,
): void | Promise<void> {
  const { spec } = request.object as Pod;
  if (spec === undefined) return;
  const { runtimeClassName: name } = spec;
  if (name === undefined) return use(spec, undefined);
  const check = (found: RuntimeClass | undefined) => {
    if (found) return use(spec, found);
    throw admissionForbidden(
      request,
      `pod rejected: RuntimeClass ${JSON.stringify(name)} not found`,
    );
  };
  const found = find(name);
  return found instanceof Promise ? found.then(check) : check(found);
}

function setOverhead(request: AdmissionRequest, spec: PodSpec, { overhead }: RuntimeClass): void {
  if (overhead === undefined) return;
  const { podFixed = {} } = overhead;
  if (spec.overhead && !isSame(spec.overhead, podFixed)) {
    throw admissionForbidden(request, OTHER_OVERHEAD);
  }
  spec.overhead = { ...podFixed };
}

function setScheduling(
  request: AdmissionRequest,
  spec: PodSpec,
  { scheduling }: RuntimeClass,
): void {
  if (scheduling === undefined) return;
  const { nodeSelector = {}, tolerations = [] } = scheduling;
  const given = spec.nodeSelector ?? {};
  for (const [key, value] of Object.entries(nodeSelector)) {
    if (given[key] === undefined || given[key] === value) continue;
    const why =
      `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; ` +
      `pod.spec.nodeSelector[${key}] = ${given[key]}`;
    throw admissionForbidden(request, why);
  }
  if (Object.keys(nodeSelector).length > 0) spec.nodeSelector = { ...given, ...nodeSelector };
  if (tolerations.length > 0) {
    spec.tolerations = mergeTolerations(spec.tolerations ?? [], structuredClone(tolerations));
  }
}

/** By value: 1 is 1000m. */
function isSame(a: Readonly<StringMap>, b: Readonly<StringMap>): boolean {
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  return names.every(name => {
    const [one, other] = [a[name], b[name]];
    if (one === undefined || other === undefined) return false;
    return compareQuantities(parseQuantity(one), parseQuantity(other)) === 0;
  });
}

const OTHER_OVERHEAD = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead";
const NO_OVERHEAD =
  'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead';
