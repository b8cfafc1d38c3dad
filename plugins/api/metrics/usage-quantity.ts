import { formatQuantity, type NodeMetrics } from 'kernetes/sdk';

export interface Usage {
  readonly cpuNanoCores: number;
  readonly memoryBytes: number;
}

/** As metrics-server writes it: `4293847n`, `22892Ki`. What was measured may be a mean. */
export function usageOf({ cpuNanoCores, memoryBytes }: Usage): NodeMetrics['usage'] {
  return {
    cpu: formatQuantity({ mantissa: rounded(cpuNanoCores), scale: -9, format: 'DecimalSI' }),
    memory: formatQuantity({ mantissa: rounded(memoryBytes), scale: 0, format: 'BinarySI' }),
  };
}

function rounded(value: number): bigint {
  return BigInt(Math.round(value));
}

/** Go's duration of whole milliseconds below a minute: `15s`, `12.5s`. */
export function windowOf(ms: number): string {
  return `${ms / 1000}s`;
}
