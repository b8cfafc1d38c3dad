import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Namespace, type Pod, type StringMap } from 'kernetes/sdk';
import { admissionRequest, namespace, pod, runAdmission, TestKernel } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';
import type { Config } from './pod-node-selector.ts';

const ANNOTATION = 'scheduler.alpha.kubernetes.io/node-selector';

function start(selector: string | undefined, given: Partial<Config> = {}) {
  const kernel = new TestKernel();
  const annotations = selector === undefined ? {} : { [ANNOTATION]: selector };
  kernel.add(Namespace, namespace('default', { annotations }));
  const config = { clusterDefaultNodeSelector: '', namespaces: {}, ...given };
  return runAdmission(plugin, { kernel, config });
}

function request(nodeSelector?: StringMap) {
  const spec = { containers: [], ...(nodeSelector && { nodeSelector }) };
  return admissionRequest(pod('x', { spec }));
}

const CONFLICT = 'pod node label selector conflicts with its namespace node label selector';
const NOT_ALLOWED = 'pod node label selector labels conflict with its namespace whitelist';
const byDefault = { clusterDefaultNodeSelector: 'env=test' };
const limited = { namespaces: { default: 'env=test,disk=ssd' } };

describe('admission.pod-node-selector', () => {
  const taken: [string, string | undefined, Partial<Config>, StringMap | undefined, unknown][] = [
    ['nothing where nothing is wanted', undefined, {}, undefined, undefined],
    ['what the namespace says', 'env=a, disk = ssd', {}, undefined, { env: 'a', disk: 'ssd' }],
    ['both, if they agree', 'env=a', {}, { env: 'a', b: 'c' }, { env: 'a', b: 'c' }],
    ['what the cluster says', undefined, byDefault, { b: 'c' }, { env: 'test', b: 'c' }],
    ['the namespace rather than the cluster', '', byDefault, undefined, undefined],
    ['labels that are allowed', undefined, limited, { disk: 'ssd' }, { disk: 'ssd' }],
  ];
  for (const [what, selector, config, given, wanted] of taken) {
    it(`gives a pod ${what}`, async () => {
      const { admit } = await start(selector, config);
      assert.deepEqual((await admit<Pod>(request(given))).spec?.nodeSelector, wanted);
    });
  }

  const refused: [string, string | undefined, Partial<Config>, StringMap, string][] = [
    ['another value than the namespace has', 'env=a', {}, { env: 'b' }, CONFLICT],
    ['another value than the cluster has', undefined, byDefault, { env: 'b' }, CONFLICT],
    ['labels that are not allowed', undefined, limited, { rack: '1' }, NOT_ALLOWED],
  ];
  for (const [what, selector, config, given, why] of refused) {
    it(`refuses ${what}`, async () => {
      const { refusal } = await start(selector, config);
      assert.equal(await refusal(request(given)), `pods "x" is forbidden: ${why}`);
    });
  }

  it('cannot use an annotation that is no selector', async () => {
    const { admit } = await start('env');
    await assert.rejects(admit(request()), /Internal error occurred: invalid selector: \[env\]/);
  });

  it('does not start with a configuration that is none', async () => {
    await assert.rejects(start(undefined, { namespaces: { a: 'a=b=c' } }), /invalid selector/);
    await assert.rejects(start(undefined, { clusterDefaultNodeSelector: '-=b' }), /invalid/);
  });

  it('says that there is no such namespace', async () => {
    const { admit } = await start('');
    const lost = admissionRequest(pod('x', { metadata: { namespace: 'gone' } }));
    await assert.rejects(admit(lost), /namespaces "gone" not found/);
  });
});
