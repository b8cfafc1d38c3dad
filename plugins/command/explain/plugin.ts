import {
  ApiError,
  type CommandCall,
  commandPoint,
  definePlugin,
  EXPLANATION_GROUP,
  EXPLANATION_VERSION,
} from 'kernetes/sdk';
import { attemptOf, type Explained, explanationText } from './explanation-text.ts';

export default definePlugin({
  name: 'command.explain',
  activate(ctx) {
    ctx.provide(commandPoint, {
      name: 'explain',
      description: 'say why a pod is on its node, or on none',
      arguments: [
        { name: 'kind', description: 'pod' },
        { name: 'pod', description: 'its name, or namespace/name' },
      ],
      options: [
        { flags: '--attempt <n>', description: 'which attempt (default: the newest)' },
        { flags: '--limit <n>', description: 'nodes in a table, 0: all', default: '50' },
        { flags: '-o, --output <format>', description: 'table or json', default: 'table' },
      ],
      run: explain,
    });
  },
});

async function explain(call: CommandCall): Promise<void> {
  const { namespace, name } = podOf(call);
  const limit = numberOf(call, 'limit') ?? 50;
  const attempt = numberOf(call, 'attempt');
  const { output } = call.options;
  if (output !== 'table' && output !== 'json') {
    throw new Error(`Cannot print as "${output}": want table or json`);
  }
  const explained = await read(call, namespace, name);
  if (output === 'json') {
    const attempts = attempt === undefined ? {} : { attempts: [attemptOf(explained, attempt)] };
    call.print(JSON.stringify({ ...explained, ...attempts }, undefined, 2));
  } else {
    call.print(explanationText(explained, { attempt, limit: limit === 0 ? Infinity : limit }));
  }
}

function podOf({ arguments: given, namespace }: CommandCall) {
  const { kind = '', pod = '' } = given;
  if (!KINDS.has(kind)) throw new Error(`Cannot explain "${kind}": want pod`);
  const [first = '', second, more] = pod.split('/');
  if (first === '' || second === '' || more !== undefined) {
    throw new Error(`Cannot explain pod "${pod}": want its name, or namespace/name`);
  }
  return second === undefined ? { namespace, name: first } : { namespace: first, name: second };
}

const KINDS: ReadonlySet<string> = new Set(['pod', 'pods', 'po']);

function numberOf({ options }: CommandCall, name: string): number | undefined {
  const text = options[name];
  if (typeof text !== 'string') return undefined;
  if (!/^\d+$/.test(text)) throw new Error(`Cannot read --${name} "${text}": want a number`);
  return Number(text);
}

/** Tells a pod that no scheduler knows from one that is not there. */
async function read(call: CommandCall, namespace: string, name: string): Promise<Explained> {
  const place = `namespaces/${encodeURIComponent(namespace)}`;
  const of = encodeURIComponent(name);
  const group = `/apis/${EXPLANATION_GROUP}/${EXPLANATION_VERSION}`;
  try {
    return (await call.get(`${group}/${place}/podexplanations/${of}`)) as Explained;
  } catch (error) {
    if (!ApiError.is(error, 'NotFound')) throw error;
    await call.get(`/api/v1/${place}/pods/${of}`);
    throw new Error(
      `Cannot explain pod "${namespace}/${name}": the scheduler remembers no attempt at it`,
      { cause: error },
    );
  }
}
