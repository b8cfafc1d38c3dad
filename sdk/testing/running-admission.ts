import assert from 'node:assert/strict';
import { type AdmissionPlugin, type AdmissionRequest, admissionPoint } from '../admission.ts';
import type { KubeObject } from '../kind.ts';
import type { PluginDefinition } from '../plugin.ts';
import { ApiError } from '../status.ts';
import { activate, type TestContext, type TestContextOptions } from './test-context.ts';

/** An admission plugin at work on a kernel in memory. */
export interface RunningAdmission<C> extends TestContext<C> {
  readonly admission: AdmissionPlugin;
  /** Mutates, then validates; the object as it would be kept. */
  admit<T extends KubeObject>(request: AdmissionRequest): Promise<T>;
  /** The text that a request is refused with; fails if it is not, or otherwise than by Forbidden. */
  refusal(request: AdmissionRequest): Promise<string>;
}

/** Activates a plugin that contributes admission. */
export async function runAdmission<C>(
  plugin: PluginDefinition<C>,
  options: TestContextOptions<C> = {},
): Promise<RunningAdmission<C>> {
  const test = await activate(plugin, options);
  const [contribution] = test.context.contributions(admissionPoint).list();
  assert.ok(contribution, 'It contributes no admission');
  const admission = contribution.value;

  async function admit<T extends KubeObject>(request: AdmissionRequest): Promise<T> {
    const mutated = await admission.mutate?.(request);
    if (mutated) request.object = mutated;
    await admission.validate?.(request);
    return request.object as T;
  }

  async function refusal(request: AdmissionRequest): Promise<string> {
    const error = await admit(request).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (!ApiError.is(error)) throw error ?? new Error('It was not refused');
    assert.equal(error.reason, 'Forbidden');
    return error.message;
  }
  return { ...test, admission, admit, refusal };
}
