import {
  type AdmissionPlugin,
  type AdmissionRequest,
  admissionForbidden,
  type Informer,
  type Pod,
  type PodSpec,
  type PriorityClass,
} from 'kernetes/sdk';

/** Gives pods the number of their class, and watches over the default class. */
export class PriorityAdmission implements AdmissionPlugin {
  readonly rules = [
    { operations: ['CREATE', 'UPDATE'], groups: [''], resources: ['pods'] },
    {
      operations: ['CREATE', 'UPDATE'],
      groups: ['scheduling.k8s.io'],
      resources: ['priorityclasses'],
    },
  ] as const;
  readonly #classes: Informer<PriorityClass>;
  readonly #ask: (name: string) => Promise<PriorityClass | undefined>;
  /** Found anew after every change of a class; null: there is none. */
  #default: PriorityClass | null | undefined;

  constructor(
    classes: Informer<PriorityClass>,
    ask: (name: string) => Promise<PriorityClass | undefined>,
  ) {
    this.#classes = classes;
    this.#ask = ask;
    const forget = () => {
      this.#default = undefined;
    };
    classes.on({ added: forget, updated: forget, deleted: forget });
  }

  mutate(request: AdmissionRequest): void | Promise<void> {
    if (request.resource !== 'pods') return;
    const spec = (request.object as Pod).spec;
    if (spec === undefined) return;
    if (request.operation === 'UPDATE') return keep(spec, (request.oldObject as Pod).spec);
    const { priorityClassName: name } = spec;
    if (!name) {
      const chosen = this.#defaultClass();
      if (chosen) spec.priorityClassName = chosen.metadata.name ?? '';
      return setPriority(request, spec, chosen ?? NO_CLASS);
    }
    const found = this.#classes.get(name);
    if (found) return setPriority(request, spec, found);
    return this.#ask(name).then(asked => {
      if (asked) return setPriority(request, spec, asked);
      throw admissionForbidden(request, `no PriorityClass with name ${name} was found`);
    });
  }

  validate(request: AdmissionRequest): undefined {
    if (request.resource !== 'priorityclasses') return;
    if (!(request.object as PriorityClass).globalDefault) return;
    const name = this.#defaultClass()?.metadata.name;
    if (name === undefined) return;
    if (request.operation === 'UPDATE' && name === request.name) return;
    const why = `PriorityClass ${name} is already marked as default. Only one default can exist`;
    throw admissionForbidden(request, why);
  }

  /** Should there be several after all: the one of the lowest value. */
  #defaultClass(): PriorityClass | null {
    if (this.#default === undefined) {
      const defaults = this.#classes.list().filter(({ globalDefault }) => globalDefault);
      this.#default = defaults.sort((a, b) => (a.value ?? 0) - (b.value ?? 0))[0] ?? null;
    }
    return this.#default;
  }
}

type Chosen = Pick<PriorityClass, 'value' | 'preemptionPolicy'>;

const NO_CLASS: Chosen = { value: 0, preemptionPolicy: 'PreemptLowerPriority' };

/** Clients that know nothing of these fields leave them out when they update. */
function keep(spec: PodSpec, old: PodSpec | undefined): void {
  if (old?.priority !== undefined) spec.priority ??= old.priority;
  if (old?.preemptionPolicy !== undefined) spec.preemptionPolicy ??= old.preemptionPolicy;
}

function setPriority(
  request: AdmissionRequest,
  spec: PodSpec,
  { value = 0, preemptionPolicy }: Chosen,
): void {
  const { priority = value, preemptionPolicy: policy = preemptionPolicy } = spec;
  refuseOther(request, { what: 'integer value of priority', given: priority, computed: value });
  spec.priority = value;
  if (preemptionPolicy === undefined) return;
  const what = 'string value of PreemptionPolicy';
  refuseOther(request, { what, given: policy, computed: preemptionPolicy });
  spec.preemptionPolicy = preemptionPolicy;
}

interface Compared {
  readonly what: string;
  readonly given: number | string | undefined;
  readonly computed: number | string;
}

function refuseOther(request: AdmissionRequest, { what, given, computed }: Compared): void {
  if (given === computed) return;
  const why =
    `the ${what} (${given}) must not be provided in pod spec; ` +
    `priority admission controller computed ${computed} from the given PriorityClass name`;
  throw admissionForbidden(request, why);
}
