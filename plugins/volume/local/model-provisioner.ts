import type {
  ExpandedVolume,
  ProvisionedVolume,
  Provisioner,
  ProvisionRequest,
} from 'kernetes/sdk';
import { sourceAt } from './volume-source.ts';

/** Volumes that are objects only, and say so: for clusters whose nodes are simulated. */
export class ModelProvisioner implements Provisioner {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  provision(request: ProvisionRequest): ProvisionedVolume {
    const spec = sourceAt(`/var/lib/kernetes/volumes/${request.volumeName}`, request);
    return { spec, annotations: { [MODEL_ANNOTATION]: 'true' } };
  }

  delete(): void {}

  expand(): ExpandedVolume {
    return { nodeExpansionRequired: false };
  }
}

/** There is no directory behind the volume. */
export const MODEL_ANNOTATION = 'kernetes.dev/model';
