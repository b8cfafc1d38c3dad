import assert from 'node:assert/strict';
import { it } from 'node:test';
import { admissionPoint } from '../admission.ts';
import { testContext } from '../testing/test-context.ts';
import { KeptAdmission } from './kept.ts';

it('KeptAdmission misses no change, whenever it comes', async () => {
  for (let turns = 0; turns < 12; turns++) {
    const { context, dispose } = testContext();
    let version = 0;
    const kept = new KeptAdmission(context, async () => {
      const resources = [`v${version}`];
      return { rules: [{ operations: ['CREATE'], groups: ['*'], resources }] };
    });
    kept.onChange();
    for (let i = 0; i < turns; i++) await undefined;
    version = 1;
    await kept.renew();
    const rules = context.contributions(admissionPoint).list()[0]?.value.rules;
    assert.deepEqual(rules?.[0]?.resources, ['v1'], `after ${turns} turns`);
    await dispose();
  }
});

it('KeptAdmission contributes nothing where there is nothing to do', async () => {
  const { context, dispose } = testContext();
  let isWanted = true;
  const kept = new KeptAdmission(context, async () => (isWanted ? { rules: [] } : undefined));
  const count = () => context.contributions(admissionPoint).list().length;
  await kept.renew();
  assert.equal(count(), 1);
  isWanted = false;
  await kept.renew();
  assert.equal(count(), 0);
  await dispose();
});
