import type { KubeObject } from '../../sdk/kind.ts';
import { StoredObject } from '../store/stored-object.ts';
import type { RequestContext } from './context.ts';

/** What a dry run would have stored: like the real thing, but in no store and at no revision. */
export function draft(
  { served, stages }: RequestContext,
  key: string,
  object: KubeObject,
  revision = 0,
): StoredObject {
  const { form } = served.store;
  const tail = form.tail(form.encode(object), revision);
  return new StoredObject(key, revision, tail, form, stages.objects.hot);
}
