import { mkdir, realpath, rm, stat } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import type {
  ExpandedVolume,
  PersistentVolume,
  ProvisionedVolume,
  Provisioner,
  ProvisionRequest,
} from 'kernetes/sdk';
import { sourceAt } from './volume-source.ts';

/**
 * A directory per volume below one folder of this machine, which all nodes of the cluster are on.
 * The directory has the volume's name, so making it again finds it.
 */
export class LocalProvisioner implements Provisioner {
  readonly name: string;
  readonly #folder: string;

  constructor(name: string, folder: string) {
    this.name = name;
    this.#folder = folder;
  }

  async provision(request: ProvisionRequest): Promise<ProvisionedVolume> {
    const { volumeName, claim } = request;
    if (claim.spec?.volumeMode === 'Block') {
      throw new Error(`${this.name} does not support block volume provisioning`);
    }
    const path = this.#pathOf(volumeName);
    await mkdir(path, { recursive: true, mode: 0o777 });
    return { spec: sourceAt(path, request) };
  }

  async delete(volume: PersistentVolume): Promise<void> {
    const path = this.#pathOf(volume.metadata.name ?? '');
    const said = volume.spec?.local?.path ?? volume.spec?.hostPath?.path;
    if (said !== path) {
      throw new Error(`Cannot delete volume "${volume.metadata.name}": it is not at "${path}"`);
    }
    // A link in place of the folder, or of the volume, may lead anywhere.
    const real = await realpath(path).catch(ignoreMissing);
    if (real === undefined) return;
    if (real !== join(await realpath(this.#folder), volume.metadata.name ?? '')) {
      throw new Error(`Cannot delete volume "${volume.metadata.name}": "${path}" leads elsewhere`);
    }
    await rm(path, { recursive: true, force: true });
  }

  /** A directory takes what it gets: it only has to be there. */
  async expand(volume: PersistentVolume): Promise<ExpandedVolume> {
    await stat(this.#pathOf(volume.metadata.name ?? ''));
    return { nodeExpansionRequired: false };
  }

  /** Names of volumes have dots, so `..` is a name to be refused. */
  #pathOf(volumeName: string): string {
    const path = resolve(this.#folder, volumeName);
    const isBelow = path.startsWith(this.#folder + sep);
    if (volumeName && isBelow && !path.slice(this.#folder.length + 1).includes(sep)) return path;
    throw new Error(`Cannot use volume "${volumeName}": it is not below "${this.#folder}"`);
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
