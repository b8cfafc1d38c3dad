import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Attributes, authorizerPoint } from '../../sdk/auth.ts';
import type { RequestOptions } from '../../sdk/request.ts';
import { ApiError } from '../../sdk/status.ts';
import { openDoor, widget } from './door-testing.ts';

interface List {
  readonly items: readonly { readonly metadata: { readonly name: string } }[];
  readonly metadata: {
    readonly resourceVersion: string;
    readonly continue?: string;
    readonly remainingItemCount?: number;
  };
}

/** A door with the widgets a to e, made at five revisions. */
async function fiveWidgets() {
  const opened = await openDoor();
  const versions: string[] = [];
  for (const name of ['a', 'b', 'c', 'd', 'e']) {
    const { metadata } = await opened.request({ verb: 'create', body: widget(name) });
    versions.push(metadata.resourceVersion ?? '');
  }
  const [first = '', , third = '', , last = ''] = versions;
  return { ...opened, ...lister(opened), first, third, last };
}

function lister({ request }: Pick<Awaited<ReturnType<typeof openDoor>>, 'request'>) {
  const list = async (options: RequestOptions = {}) =>
    (await request({ verb: 'list', options })) as unknown as List;
  const names = async (options: RequestOptions = {}) => namesOf(await list(options));
  return { list, names };
}

const namesOf = ({ items }: List) => items.map(({ metadata }) => metadata.name).join('');

describe('list()', () => {
  it('shows the newest state for a resourceVersion without a limit', async () => {
    const { names, third } = await fiveWidgets();
    assert.equal(await names({ resourceVersion: third }), 'abcde');
    const notOlder = { resourceVersion: third, resourceVersionMatch: 'NotOlderThan' } as const;
    assert.equal(await names({ ...notOlder, limit: 9 }), 'abcde');
  });

  it('shows the state of a resourceVersion with a limit, or with Exact', async () => {
    const { list, names, third } = await fiveWidgets();
    const page = await list({ resourceVersion: third, limit: 2 });
    assert.deepEqual([namesOf(page), page.metadata.resourceVersion], ['ab', third]);
    assert.equal(page.metadata.remainingItemCount, 1);
    assert.equal(await names({ continue: page.metadata.continue ?? '', limit: 2 }), 'c');
    assert.equal(await names({ resourceVersion: third, resourceVersionMatch: 'Exact' }), 'abc');
  });

  it('ignores a limit at resourceVersion 0, one below 1, and one beyond what is there', async () => {
    const { list } = await fiveWidgets();
    for (const options of [
      { resourceVersion: '0', limit: 2 },
      { limit: 0 },
      { limit: -3 },
      { limit: Number.MAX_SAFE_INTEGER },
    ]) {
      const page = await list(options);
      assert.equal(namesOf(page), 'abcde');
      assert.deepEqual(Object.keys(page.metadata), ['resourceVersion']);
    }
  });

  it('looks at one object only when it is selected by name', async () => {
    const { names } = await fiveWidgets();
    assert.equal(await names({ fieldSelector: 'metadata.name=c' }), 'c');
    assert.equal(await names({ fieldSelector: 'metadata.name=x' }), '');
    assert.equal(await names({ fieldSelector: 'metadata.name=c,spec.size=1' }), '');
    assert.equal(await names({ fieldSelector: 'metadata.name=c,metadata.name=d' }), '');
  });

  it('who may list one object may select it by its name', async () => {
    const { request, provide } = await openDoor();
    await request({ verb: 'create', body: widget('a') });
    const bob = { name: 'bob', groups: [] };
    const authorize = ({ user, verb, ...at }: Attributes) =>
      user === bob && verb === 'list' && 'name' in at && at.name === 'a' ? 'allow' : 'no-opinion';
    provide(authorizerPoint, { authorize }, 'bob');
    const list = (fieldSelector: string) => {
      const options = fieldSelector ? { fieldSelector } : {};
      return request({ verb: 'list', options }, bob);
    };
    assert.equal(namesOf((await list('metadata.name=a')) as unknown as List), 'a');
    for (const other of ['', 'metadata.name=b', 'metadata.name!=a', 'metadata.namespace=a']) {
      await assert.rejects(list(other), (error: unknown) => ApiError.is(error, 'Forbidden'));
    }
  });

  it('goes on at the newest state, if asked to, after a token that expired', async () => {
    const { list, backend } = await fiveWidgets();
    const page = await list({ limit: 2 });
    const other = await openDoor({}, backend);
    await other.request({ verb: 'create', body: widget('f') });
    const later = await openDoor({}, backend);
    const { list: again } = lister(later);
    let token = '';
    await assert.rejects(
      again({ limit: 2, continue: page.metadata.continue ?? '' }),
      (error: unknown) => {
        assert.ok(ApiError.is(error, 'Expired'));
        assert.match(error.message, /^The provided continue parameter is too old/);
        token = error.status.metadata?.continue ?? '';
        return true;
      },
    );
    const rest = await again({ limit: 2, continue: token });
    assert.deepEqual([namesOf(rest), rest.metadata.remainingItemCount], ['cd', 2]);
    const end = await again({ limit: 2, continue: rest.metadata.continue ?? '' });
    assert.deepEqual([namesOf(end), end.metadata.continue], ['ef', undefined]);
    assert.equal(end.metadata.resourceVersion, rest.metadata.resourceVersion);
  });

  it('has no state of a resourceVersion that is forgotten', async () => {
    const { first, backend } = await fiveWidgets();
    const { list } = lister(await openDoor({}, backend));
    await assert.rejects(
      list({ resourceVersion: first, resourceVersionMatch: 'Exact' }),
      (error: unknown) => {
        assert.ok(ApiError.is(error, 'Expired'));
        assert.equal(error.message, 'The resourceVersion for the provided list is too old.');
        return true;
      },
    );
  });

  it('takes no resourceVersion beside a token', async () => {
    const { list, first } = await fiveWidgets();
    const { metadata } = await list({ limit: 2 });
    const options = { limit: 2, continue: metadata.continue ?? '' };
    assert.equal(namesOf(await list({ ...options, resourceVersion: '0' })), 'cd');
    await assert.rejects(
      list({ ...options, resourceVersion: first }),
      /specifying resource version is not allowed when using continue/,
    );
  });

  it('a deletecollection with a limit deletes a page and says how to go on', async () => {
    const { request, names } = await fiveWidgets();
    const gone = await request({ verb: 'deletecollection', options: { limit: 2 } });
    const { metadata } = gone as unknown as List;
    assert.equal(namesOf(gone as unknown as List), 'ab');
    assert.equal(await names(), 'cde');
    await request({
      verb: 'deletecollection',
      options: { limit: 2, continue: metadata.continue ?? '' },
    });
    assert.equal(await names(), 'e');
  });
});

describe('get()', () => {
  for (const name of ['a', 'nobody']) {
    it(`knows no subresource that is not served, of "${name}" or whatever`, async () => {
      const { request } = await fiveWidgets();
      await assert.rejects(request({ verb: 'get', name, subresource: 'scale' }), error => {
        assert.ok(ApiError.is(error, 'NotFound'));
        assert.equal(error.message, 'the server could not find the requested resource');
        assert.equal(error.status.details?.name, undefined);
        return true;
      });
    });
  }
});
