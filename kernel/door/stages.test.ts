import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Authorizer, authorizerPoint, type Decision } from '../../sdk/auth.ts';
import { ApiError } from '../../sdk/status.ts';
import { openDoor, widget } from './door-testing.ts';

const MALLORY = { name: 'mallory', groups: [] };

describe('a request is refused', () => {
  const cases: readonly [string, () => unknown][] = [
    ['nobody has an opinion', () => 'no-opinion'],
    ['an authorizer says so', () => 'deny'],
    ['an authorizer says nothing', () => undefined],
    ['an authorizer says what is no verdict', () => 'Allow'],
    ['a verdict is of a form that there is not', () => ({ verdict: true, reason: '' })],
    ['a later one says nothing either', () => Promise.resolve(undefined)],
    [
      'an authorizer throws',
      () => {
        throw new Error('lost');
      },
    ],
    ['an authorizer rejects', () => Promise.reject(new Error('lost'))],
  ];
  for (const [title, authorize] of cases) {
    it(`when ${title}`, async () => {
      const { request, provide } = await openDoor();
      provide(authorizerPoint, { authorize } as Authorizer, 'another');
      const asked = request({ verb: 'list' }, MALLORY);
      await assert.rejects(asked, error => error instanceof ApiError && error.code >= 403);
    });
  }
});

it('an update that would create takes the right to create', async () => {
  const { request, provide } = await openDoor({ strategy: { createOnUpdate: true } });
  const authorize: Authorizer['authorize'] = ({ verb }) => (verb === 'update' ? 'allow' : 'deny');
  provide(authorizerPoint, { authorize }, 'a');
  const asked = { verb: 'update' as const, name: 'a', body: widget('a') };
  await assert.rejects(request(asked, MALLORY), /cannot create resource "widgets"/);
  await request({ verb: 'create', body: widget('a') });
  await request(asked, MALLORY);
});

describe('why a request was refused', () => {
  const because = (reason: string): Decision => ({ verdict: 'no-opinion', reason });

  it('is told by all who had a reason, whether they answered at once or not', async () => {
    const { request, provide } = await openDoor();
    provide(authorizerPoint, { authorize: () => because('one') }, 'a');
    provide(authorizerPoint, { authorize: async () => because('two') }, 'b');
    provide(authorizerPoint, { authorize: () => 'no-opinion' }, 'c');
    await assert.rejects(request({ verb: 'get', name: 'w' }, MALLORY), {
      message:
        'widgets.test "w" is forbidden: User "mallory" cannot get resource "widgets" in API group ' +
        '"test" in the namespace "x": one\ntwo',
    });
  });

  it('authorizers see what a list selects', async () => {
    const { request, provide } = await openDoor();
    const seen: unknown[] = [];
    const authorize: Authorizer['authorize'] = attributes => {
      if (!('path' in attributes)) seen.push([attributes.name, attributes.fieldSelector]);
      return 'allow';
    };
    provide(authorizerPoint, { authorize }, 'a');
    await request({ verb: 'list', options: { fieldSelector: 'metadata.name=a' } }, MALLORY);
    await request({ verb: 'list', options: { fieldSelector: 'metadata.name!=a' } }, MALLORY);
    await request({ verb: 'list', options: { labelSelector: 'a=b' } }, MALLORY);
    assert.deepEqual(seen, [
      ['a', 'metadata.name=a'],
      ['', 'metadata.name!=a'],
      ['', undefined],
    ]);
  });
});
