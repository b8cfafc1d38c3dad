import { join } from 'node:path';
import { readProfile } from '../../kernel/loader/profile.ts';

/** The default profile without what acts on objects: only clients change something. */
export function apiOnly() {
  const { plugins } = readProfile(join(import.meta.dirname, '../../plugins/profile.yaml'));
  return { plugins: plugins.filter(({ name = '' }) => /^(kind|api|auth|admission)\./.test(name)) };
}
