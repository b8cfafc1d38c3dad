import assert from 'node:assert/strict';
import { before, describe, it, test } from 'node:test';
import { admissionPoint, Namespace, type ResourceClaim } from 'kernetes/sdk';
import { activate, admissionRequest, checkKind, kindsOf, TestKernel } from 'kernetes/sdk/testing';
import { deviceClasses } from './device-class.ts';
import plugin from './plugin.ts';
import { resourceClaims, resourceClaimTemplates } from './resource-claim.ts';
import { resourceSlices } from './resource-slice.ts';
import { Selectors } from './selectors.ts';

describe('kinds of resource.k8s.io', () => {
  const selectors = new Selectors();
  before(() => selectors.load());
  const kinds = [
    deviceClasses(selectors),
    resourceClaims(selectors),
    resourceClaimTemplates(selectors),
    resourceSlices,
  ];
  for (const kind of kinds) test(`${kind.kind} conforms`, () => checkKind(kind));

  test('all are provided', async () => {
    const provided = await kindsOf(plugin);
    assert.deepEqual(
      provided.map(({ kind }) => kind),
      kinds.map(({ kind }) => kind),
    );
  });
});

describe('admission of kind.resource', () => {
  const claimOf = (exactly: object): ResourceClaim => ({
    metadata: { name: 'c', namespace: 'default' },
    spec: {
      devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'gpu', ...exactly } }] },
    },
  });
  async function setUp(labels: Record<string, string> = {}) {
    const kernel = new TestKernel();
    kernel.add(Namespace, { metadata: { name: 'default', labels } });
    const { context } = await activate(plugin, { kernel });
    const [contribution] = context.contributions(admissionPoint).list();
    const admission = contribution?.value;
    assert.ok(admission);
    return (object: ResourceClaim) => {
      const request = admissionRequest(object, {
        group: 'resource.k8s.io',
        resource: 'resourceclaims',
        kind: 'ResourceClaim',
      });
      return Promise.resolve(admission.validate?.(request));
    };
  }

  it('refuses admin access in a namespace that is not for admins', async () => {
    const validate = await setUp();
    await validate(claimOf({}));
    await assert.rejects(
      async () => validate(claimOf({ adminAccess: true })),
      /is invalid: spec.devices.requests\[0\].adminAccess: Forbidden: admin access to devices/,
    );
  });

  it('lets it be in one that is labelled so', async () => {
    const validate = await setUp({ 'resource.kubernetes.io/admin-access': 'true' });
    await validate(claimOf({ adminAccess: true }));
  });
});
