import {
  type Clock,
  type Component,
  ComponentStatus,
  type Contributions,
  column,
  type KindDefinition,
  NAME_COLUMN,
  Namespace,
  notFound,
  type ObjectClient,
} from 'kernetes/sdk';
import { coreKind } from './core-kind.ts';

export interface ComponentStatusOptions {
  readonly clock: Clock;
  readonly objects: Pick<ObjectClient, 'list'>;
  readonly components: Contributions<Component>;
}

/** Deprecated since 1.19, and still asked for. Each is made anew by asking the component. */
export function componentStatuses(options: ComponentStatusOptions): KindDefinition {
  return coreKind<ComponentStatus>(ComponentStatus, {
    shortNames: ['cs'],
    verbs: ['get', 'list'],
    deprecation: 'v1 ComponentStatus is deprecated in v1.19+',
    columns: [NAME_COLUMN, column('Status'), column('Message'), column('Error')],
    row: ({ metadata, conditions }) => {
      const healthy = conditions?.find(({ type }) => type === 'Healthy');
      const status = healthy ? (healthy.status === 'True' ? 'Healthy' : 'Unhealthy') : 'Unknown';
      return [metadata.name ?? '', status, healthy?.message ?? '', healthy?.error ?? ''];
    },
    strategy: {},
    virtual: {
      async get(name) {
        if (NAMES.includes(name)) return statusOf(name, options);
        throw notFound(ComponentStatus, name);
      },
      list: () => Promise.all(NAMES.map(name => statusOf(name, options))),
    },
  });
}

async function statusOf(name: string, options: ComponentStatusOptions): Promise<ComponentStatus> {
  const condition = { type: 'Healthy', status: 'True', message: '' };
  try {
    condition.message = await inTime(check(name, options), options.clock);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return {
      metadata: { name },
      conditions: [{ ...condition, status: 'False', error: why }],
    };
  }
  return { metadata: { name }, conditions: [condition] };
}

async function check(name: string, options: ComponentStatusOptions): Promise<string> {
  if (name === STORE) {
    await options.objects.list(Namespace, { limit: 1 });
    return 'ok';
  }
  const component = options.components.list().find(each => each.name === name);
  if (component === undefined) throw new Error('no plugin contributes the component');
  return component.value.check();
}

function inTime<T>(work: Promise<T>, clock: Clock): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = new Error('context deadline exceeded');
    const timer = clock.setTimeout(() => reject(late), TIMEOUT_MS);
    work.then(resolve, reject).finally(() => timer.cancel());
  });
}

const STORE = 'etcd-0';
const NAMES = ['scheduler', 'controller-manager', STORE];
/** Who waits is a person. */
const TIMEOUT_MS = 5_000;
