import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Ingress, networkingV1beta1 } from 'kernetes/sdk';
import { versionOf } from 'kernetes/sdk/testing';
import { ingresses } from './ingress.ts';
import { fromV1beta1, toV1beta1 } from './ingress-conversion.ts';

const name = fc.stringMatching(/^[a-z]{1,8}$/);
const port = fc.oneof(name, fc.integer({ min: 1, max: 65_535 }));
const resource = fc.record({ kind: name, name });
const backend = fc.oneof(
  fc.record({ serviceName: name, servicePort: port }),
  fc.record({ resource }),
);
const rule = fc.record(
  {
    host: name,
    http: fc.record({ paths: fc.array(fc.record({ path: name, pathType: name, backend })) }),
  },
  { requiredKeys: [] },
);
const spec = fc.record(
  {
    backend,
    ingressClassName: name,
    rules: fc.array(rule),
    tls: fc.array(fc.record({ secretName: name })),
  },
  { requiredKeys: [] },
);

test('conversion to v1 and back loses nothing', () => {
  fc.assert(
    fc.property(spec, given => {
      const old = structuredClone({ metadata: { name: 'x' }, spec: given });
      assert.deepEqual(
        toV1beta1(fromV1beta1(structuredClone(old) as networkingV1beta1.Ingress)),
        old,
      );
    }),
  );
});

test('conversion names ports by number or name', () => {
  const { fromStorage, toStorage } = versionOf(ingresses, 'v1beta1');
  const old = { metadata: {}, spec: { backend: { serviceName: 's', servicePort: 'http' } } };
  const stored = toStorage?.(structuredClone(old)) as Ingress;
  assert.deepEqual(stored.spec, {
    defaultBackend: { service: { name: 's', port: { name: 'http' } } },
  });
  assert.deepEqual(fromStorage?.(stored), old);
});
