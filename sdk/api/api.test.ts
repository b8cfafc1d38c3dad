import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { Kind } from '../kind.ts';
import * as api from './api.ts';

interface Resource extends Required<Kind> {
  readonly kind: string;
}

const { resources }: { resources: Resource[] } = JSON.parse(
  readFileSync(new URL('openapi.json', import.meta.url), 'utf8'),
);

/** A top-level kind, or one of a namespace. */
function exported(kind: string, version: string, group: string): unknown {
  const values = [api, ...Object.values(api)] as Record<string, unknown>[];
  const kinds = values.map(value => value[kind] as Kind | undefined);
  return kinds.find(value => value?.version === version && value.group === group);
}

describe('api', () => {
  it('exports every kind in every version', () => {
    for (const resource of resources) {
      const { group, version, kind } = resource;
      assert.deepEqual(exported(kind, version, group), resource, `${group}/${version} ${kind}`);
    }
  });

  it('has the newest stable version at the top', () => {
    assert.equal(api.HorizontalPodAutoscaler.version, 'v2');
    assert.equal(api.autoscalingV2beta2.HorizontalPodAutoscaler.version, 'v2beta2');
    assert.equal(api.Ingress.group, 'networking.k8s.io');
    assert.equal(api.Event.group, '');
    assert.equal(api.eventsV1.Event.group, 'events.k8s.io');
  });

  it('ties the type of an object to its kind', () => {
    const read = <T>(kind: Kind<T>, object: T): [string, T] => [kind.resource, object];
    const [resource, deployment] = read(api.Deployment, { metadata: { name: 'web' } });
    const replicas: number | undefined = deployment.spec?.replicas;
    // @ts-expect-error A Deployment has no such field.
    const nope = deployment.spec?.nope;
    // @ts-expect-error A Secret's type is a string.
    read(api.Secret, { metadata: {}, type: 1 });
    assert.deepEqual([resource, replicas, nope], ['deployments', undefined, undefined]);
  });
});
