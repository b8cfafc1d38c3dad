import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type Contribution,
  type KindDefinition,
  kindPoint,
  type PluginContext,
  type Route,
  routePoint,
} from 'kernetes/sdk';
import plugin from './plugin.ts';
import { CRON_TAB, KINDS } from './testdata/kinds.ts';

function contribution(value: KindDefinition): Contribution<KindDefinition> {
  return { name: value.kind, plugin: 'kind.test', value, remote: false };
}

describe('api.openapi', () => {
  it('follows the contributed kinds until it is unloaded', async () => {
    let kinds = KINDS;
    let listener: (() => void) | undefined;
    const routes = new Map<string, Route>();
    const disposers: (() => unknown)[] = [];
    const context = {
      config: { version: 'v1', release: 0 },
      contributions: (point: unknown) => {
        if (point !== kindPoint) return { list: () => [], onChange: () => () => undefined };
        return {
          list: () => kinds.map(contribution),
          onChange: (callback: () => void) => {
            listener = callback;
            return () => {
              listener = undefined;
            };
          },
        };
      },
      onDispose: (disposer: () => unknown) => disposers.push(disposer),
      provide: (point: unknown, route: Route, name: string) => {
        assert.equal(point, routePoint);
        routes.set(name, route);
      },
    };
    await plugin.activate(
      context as unknown as PluginContext<{ version: string; release: number }>,
    );
    assert.deepEqual([...routes.keys()], ['/openapi/v2', '/openapi/v3', '/openapi/v3/*']);
    const code = async () => {
      const path = '/openapi/v3/apis/stable.example.com/v1';
      const user = { name: 'someone', groups: [] };
      const query = new URLSearchParams();
      const answer = routes
        .get('/openapi/v3/*')
        ?.handle({ method: 'GET', path, query, headers: {}, user });
      return (await answer)?.code;
    };
    assert.equal(await code(), 404);
    kinds = [...KINDS, CRON_TAB];
    listener?.();
    assert.equal(await code(), 200);
    for (const dispose of disposers) await dispose();
    assert.equal(listener, undefined);
  });
});
