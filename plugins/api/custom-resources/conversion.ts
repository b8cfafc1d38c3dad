import {
  type CustomResourceDefinitionSpec,
  type CustomResourceDefinitionVersion,
  compareVersions,
} from 'kernetes/sdk';

/** The versions that objects can be had in, best first. */
export function servedVersions(
  spec: CustomResourceDefinitionSpec,
): readonly CustomResourceDefinitionVersion[] {
  return spec.versions
    .filter(({ served }) => served)
    .toSorted((a, b) => compareVersions(a.name, b.name));
}
