import { formatQuantity, type NodeMetrics } from 'kernetes/sdk';

export interface Usage {
  readonly cpuNanoCores: number;
  readonly memoryBytes: number;
}

/** As metrics-server writes it: `4293847n`, `22892Ki`. */
export function usageOf({ cpuNanoCores, memoryBytes }: Usage): NodeMetrics['usage'] {
  return {
    cpu: formatQuantity({ mantissa: BigInt(cpuNanoCores), scale: -9, format: 'DecimalSI' }),
    memory: formatQuantity({ mantissa: BigInt(memoryBytes), scale: 0, format: 'BinarySI' }),
  };
}

/** Go's duration of whole milliseconds below a minute: `15s`, `12.5s`. */
export function windowOf(ms: number): string {
  return `${ms / 1000}s`;
}
