import {
  definePlugin,
  doorPoint,
  listenerPoint,
  type RouteResponse,
  routePoint,
} from 'kernetes/sdk';
import { answerAll, answerOne, type Check } from './checks.ts';

interface Config {
  readonly version: string;
}

export default definePlugin<Config>({
  name: 'api.health',
  config: {
    type: 'object',
    additionalProperties: false,
    properties: {
      version: {
        type: 'string',
        pattern: '^v\\d+\\.\\d+\\.\\d+',
        default: 'v1.32.0+kernetes.0.1.0',
      },
    },
  },
  activate(ctx) {
    const version = versionInfo(ctx.config.version);
    const answer = { path: '/version', handle: () => json(version) };
    ctx.provide(routePoint, answer, `${ctx.name}/version`);
    const listeners = ctx.contributions(listenerPoint);
    let served = listeners.list().length > 0;
    listeners.onChange(() => {
      served ||= listeners.list().length > 0;
    });
    const stopping = () =>
      served && listeners.list().length === 0 ? 'process is shutting down' : undefined;
    const doors = ctx.contributions(doorPoint);
    const store = () => (doors.list().length === 0 ? 'the store is closed' : undefined);
    const checks = checksOf(store, stopping);
    for (const [endpoint, own] of Object.entries(checks)) {
      const path = `/${endpoint}`;
      const all = { path, handle: answerAll.bind(undefined, endpoint, own) };
      ctx.provide(routePoint, all, ctx.name + path);
      for (const check of own) {
        const one = { path: `${path}/${check.name}`, handle: () => answerOne(check) };
        ctx.provide(routePoint, one, ctx.name + one.path);
      }
    }
  },
});
/**
 * The server listens only while every plugin is active and the store works: that it answers is
 * `ping` and `informer-sync`. A server that stops is alive, and not to be sent requests.
 */
function checksOf(
  store: Check['problem'],
  stopping: Check['problem'],
): Record<string, readonly Check[]> {
  const ok = () => undefined;
  const alive = [
    { name: 'ping', problem: ok },
    { name: 'etcd', problem: store },
  ];
  const ready = [
    ...alive,
    { name: 'informer-sync', problem: ok },
    { name: 'shutdown', problem: stopping },
  ];
  return { healthz: alive, livez: alive, readyz: ready };
}

/** What `/version` tells; clients compare major and minor with their own. */
function versionInfo(gitVersion: string): object {
  const [, major, minor] = /^v(\d+)\.(\d+)/.exec(gitVersion) ?? [];
  return {
    major,
    minor,
    gitVersion,
    gitCommit: '',
    gitTreeState: 'clean',
    buildDate: '1970-01-01T00:00:00Z',
    goVersion: `node ${process.versions.node}`,
    compiler: 'v8',
    platform: `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`,
  };
}

function json(document: object): RouteResponse {
  const headers = { 'content-type': 'application/json' };
  return { code: 200, headers, body: JSON.stringify(document) };
}
