import { join } from 'node:path';
import { readProfile } from '../../kernel/loader/profile.ts';

/** The default profile without what acts on objects: only clients change something. */
export function apiOnly() {
  const { plugins } = defaultProfile();
  return { plugins: plugins.filter(({ name = '' }) => /^(kind|api|auth|admission)\./.test(name)) };
}

/** The default profile with a simulated runtime of which the configuration is this. */
export function withRuntime(config: Readonly<Record<string, unknown>>) {
  const { plugins } = defaultProfile();
  return {
    plugins: plugins.map(entry => (entry.name === 'runtime.sim' ? { ...entry, config } : entry)),
  };
}

/** The default profile without one of its plugins. */
export function without(left: string) {
  const { plugins } = defaultProfile();
  return { plugins: plugins.filter(({ name }) => name !== left) };
}

function defaultProfile() {
  return readProfile(join(import.meta.dirname, '../../plugins/profile.yaml'));
}
