import { definePlugin, type RouteResponse, routePoint } from 'kernetes/sdk';

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
    const handlers: Record<string, () => RouteResponse> = {
      '/version': () => json(version),
    };
    // The server listens only while the store and the plugins behind the door work, so that an
    // answer is the health; the verbose form lists what that means.
    for (const path of ['/healthz', '/livez', '/readyz']) {
      handlers[path] = ok;
      handlers[`${path}/*`] = ok;
    }
    for (const [path, handle] of Object.entries(handlers)) {
      ctx.provide(routePoint, { path, handle }, ctx.name + path);
    }
  },
});

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

function ok(): RouteResponse {
  return { code: 200, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: 'ok' };
}

function json(document: object): RouteResponse {
  const headers = { 'content-type': 'application/json' };
  return { code: 200, headers, body: JSON.stringify(document) };
}
