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
    if (claim.spec?.selector) {
      throw new Error(`${this.name} does not support claims with a selector`);
    }
    const path = this.#pathOf(volumeName);
    await mkdir(this.#folder, { recursive: true });
    await mkdir(path, { mode: 0o777 }).catch(ignoreExisting);
    await this.#assertOwn(volumeName);
    if (!(await stat(path)).isDirectory()) throw new Error(`"${path}" is no directory`);
    return { spec: sourceAt(path, request) };
  }

  async delete(volume: PersistentVolume): Promise<void> {
    const path = this.#pathOf(volume.metadata.name ?? '');
    const said = volume.spec?.local?.path ?? volume.spec?.hostPath?.path;
    if (said !== path) {
      throw new Error(`Cannot delete volume "${volume.metadata.name}": it is not at "${path}"`);
    }
    try {
      await this.#assertOwn(volume.metadata.name ?? '');
    } catch (error) {
      return ignoreMissing(error);
    }
    await rm(path, { recursive: true, force: true });
  }

  /** A directory takes what it gets: it only has to be there. */
  async expand(volume: PersistentVolume): Promise<ExpandedVolume> {
    await this.#assertOwn(volume.metadata.name ?? '');
    return { nodeExpansionRequired: false };
  }

  /** That it is there, in the folder itself: a link in its place may lead anywhere. */
  async #assertOwn(volumeName: string): Promise<void> {
    const path = this.#pathOf(volumeName);
    const real = await realpath(path);
    if (real !== join(await realpath(this.#folder), volumeName)) {
      throw new Error(`Cannot use volume "${volumeName}": "${path}" leads elsewhere`);
    }
  }

  /** Names of volumes have dots, so `..` is a name to be refused. */
  #pathOf(volumeName: string): string {
    const path = resolve(this.#folder, volumeName);
    const isBelow = path.startsWith(this.#folder + sep);
    if (volumeName && isBelow && !path.slice(this.#folder.length + 1).includes(sep)) return path;
    throw new Error(`Cannot use volume "${volumeName}": it is not below "${this.#folder}"`);
  }
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}

function ignoreMissing(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
}
