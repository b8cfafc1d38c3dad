import type { BodyOptions, HostBody } from './host-body.ts';

export function startProcess(_options: BodyOptions): HostBody {
  throw new Error('not yet');
}
