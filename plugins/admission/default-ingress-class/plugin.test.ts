import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Ingress, IngressClass } from 'kernetes/sdk';
import { admissionRequest, runAdmission, TestKernel } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

function ingressClass(name: string, isDefault: boolean): IngressClass {
  const annotations = { 'ingressclass.kubernetes.io/is-default-class': String(isDefault) };
  return { metadata: { name, annotations }, spec: { controller: 'example.com/x' } };
}

const about = { group: 'networking.k8s.io', resource: 'ingresses', kind: 'Ingress' };
const metadata = { name: 'i', namespace: 'default' };
const old = { ...metadata, annotations: { 'kubernetes.io/ingress.class': 'b' } };

const cases: [string, IngressClass[], Partial<Ingress>, string | undefined][] = [
  ['gives the default class', [ingressClass('b', false), ingressClass('a', true)], {}, 'a'],
  ['gives none when there is none', [ingressClass('a', false)], {}, undefined],
  ['gives the first by name of a second', ['b', 'a'].map(n => ingressClass(n, true)), {}, 'a'],
  ['leaves a class', [ingressClass('a', true)], { spec: { ingressClassName: 'b' } }, 'b'],
  ['leaves the old annotation', [ingressClass('a', true)], { metadata: old }, undefined],
];

for (const [what, classes, ingress, wanted] of cases) {
  test(`admission.default-ingress-class ${what}`, async () => {
    const kernel = new TestKernel();
    kernel.add(IngressClass, ...classes);
    const { admit } = await runAdmission(plugin, { kernel });
    const { spec } = await admit<Ingress>(admissionRequest({ metadata, ...ingress }, about));
    assert.equal(spec?.ingressClassName, wanted);
  });
}
