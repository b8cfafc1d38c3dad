import { type Cel, CelCompileError, type CelProgram } from './cel/cel.ts';

/** What a device may cost one selector, upstream's CELSelectorExpressionMaxCost. */
export const DEVICE_SELECTOR_COST_MAX = 1_000_000;
/** Upstream's CELSelectorExpressionMaxLength, in bytes. */
export const DEVICE_SELECTOR_LENGTH_MAX = 10 * 1024;

/**
 * Compiles a selector of a DeviceClass or ResourceClaim: its one variable is `device`, a
 * `CelDevice`. Throws `CelCompileError`.
 */
export function compileDeviceSelector(cel: Cel, expression: string): CelProgram {
  const variables = { device: { type: 'device' } } as const;
  const program = cel.compile(expression, { variables, result: 'any' });
  const { name } = program.type;
  if (name === 'bool' || name === 'dyn') return program;
  const message = `must evaluate to bool or the unknown type, not ${name}`;
  throw new CelCompileError('result', message);
}
