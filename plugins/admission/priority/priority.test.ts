import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Pod, type PodSpec, PriorityClass } from 'kernetes/sdk';
import { admissionRequest, pod, runAdmission, TestKernel } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

function priorityClass(name: string, value: number, more: Partial<PriorityClass> = {}) {
  return { metadata: { name }, value, preemptionPolicy: 'PreemptLowerPriority', ...more };
}

const HIGH = priorityClass('high', 1000, { preemptionPolicy: 'Never' });
const USUAL = priorityClass('usual', 5, { globalDefault: true });

function start(...classes: PriorityClass[]) {
  const kernel = new TestKernel();
  kernel.add(PriorityClass, ...classes);
  return runAdmission(plugin, { kernel });
}

const podWith = (spec: Partial<PodSpec>) => pod('x', { spec: { containers: [], ...spec } });

describe('admission.priority, of pods', () => {
  const given: [string, PriorityClass[], Partial<PodSpec>, Partial<PodSpec>][] = [
    [
      '0 when there is no default class',
      [HIGH],
      {},
      { priority: 0, preemptionPolicy: 'PreemptLowerPriority' },
    ],
    [
      'the default class',
      [HIGH, USUAL],
      {},
      { priorityClassName: 'usual', priority: 5, preemptionPolicy: 'PreemptLowerPriority' },
    ],
    [
      'the lowest of several default classes',
      [priorityClass('more', 9, { globalDefault: true }), USUAL],
      {},
      { priorityClassName: 'usual', priority: 5, preemptionPolicy: 'PreemptLowerPriority' },
    ],
    [
      'the class that it names',
      [HIGH, USUAL],
      { priorityClassName: 'high', priority: 1000 },
      { priorityClassName: 'high', priority: 1000, preemptionPolicy: 'Never' },
    ],
  ];
  for (const [what, classes, spec, wanted] of given) {
    it(`gives a pod ${what}`, async () => {
      const { admit } = await start(...classes);
      const { spec: found } = await admit<Pod>(admissionRequest(podWith(spec)));
      assert.deepEqual(found, { containers: [], ...wanted });
    });
  }

  const refused: [string, Partial<PodSpec>, string][] = [
    [
      'a class that there is not',
      { priorityClassName: 'none' },
      'no PriorityClass with name none was found',
    ],
    [
      'another number',
      { priorityClassName: 'high', priority: 7 },
      'the integer value of priority (7) must not be provided in pod spec; ' +
        'priority admission controller computed 1000 from the given PriorityClass name',
    ],
    [
      'a number without a class',
      { priority: 7 },
      'the integer value of priority (7) must not be provided in pod spec; ' +
        'priority admission controller computed 0 from the given PriorityClass name',
    ],
    [
      'another policy',
      { priorityClassName: 'high', preemptionPolicy: 'PreemptLowerPriority' },
      'the string value of PreemptionPolicy (PreemptLowerPriority) must not be provided in pod ' +
        'spec; priority admission controller computed Never from the given PriorityClass name',
    ],
  ];
  for (const [what, spec, why] of refused) {
    it(`refuses a pod with ${what}`, async () => {
      const { refusal } = await start(HIGH);
      const text = await refusal(admissionRequest(podWith(spec)));
      assert.equal(text, `pods "x" is forbidden: ${why}`);
    });
  }

  it('asks for a class that the copy does not show', async () => {
    const { kernel, admit } = await start();
    kernel.holdWatches();
    kernel.add(PriorityClass, HIGH);
    const { spec } = await admit<Pod>(admissionRequest(podWith({ priorityClassName: 'high' })));
    assert.equal(spec?.priority, 1000);
  });

  it('keeps on an update what the client left out', async () => {
    const { admit } = await start(HIGH);
    const oldObject = podWith({ priority: 3, preemptionPolicy: 'Never' });
    const { spec } = await admit<Pod>(admissionRequest(podWith({}), { oldObject }));
    assert.deepEqual(spec, oldObject.spec);
  });
});

describe('admission.priority, of classes', () => {
  const about = { group: 'scheduling.k8s.io', resource: 'priorityclasses', kind: 'PriorityClass' };
  const second = priorityClass('second', 6, { globalDefault: true });

  it('refuses a second default class, created or updated', async () => {
    const { refusal } = await start(USUAL);
    const why =
      'priorityclasses.scheduling.k8s.io "second" is forbidden: PriorityClass usual is already ' +
      'marked as default. Only one default can exist';
    assert.equal(await refusal(admissionRequest(second, about)), why);
    const update = { ...about, oldObject: priorityClass('second', 6) };
    assert.equal(await refusal(admissionRequest(second, update)), why);
  });

  it('takes an update of the default class, and a new one when it is gone', async () => {
    const { kernel, clock, admit } = await start(USUAL);
    assert.ok(await admit(admissionRequest(USUAL, { ...about, oldObject: USUAL })));
    await kernel.objects.delete(PriorityClass, { name: 'usual' });
    await clock.step(0);
    assert.ok(await admit(admissionRequest(second, about)));
  });
});
