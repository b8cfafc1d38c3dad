import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CronJob, Job, KubeObject } from 'kernetes/sdk';
import { createdAs, rowOf, updatedAs } from 'kernetes/sdk/testing';
import { recorded } from '../../../test/testdata/recorded.ts';
import { cronJobs } from './cron-job.ts';
import { jobs } from './job.ts';

const UID = '00000000-0000-4000-8000-000000000001';
const TEMPLATE = {
  spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'busybox' }] },
};
const NOW = Date.UTC(2026, 0, 1, 0, 5);

test('CronJob gets the defaults that a real server gives', () => {
  const { request, response } = recorded('defaults/cronjob.json');
  const { object, errors } = createdAs(cronJobs, 'v1beta1', request.body);
  assert.deepEqual(errors, []);
  assert.deepEqual((object as CronJob).spec, response.body.spec);
  assert.deepEqual((object as CronJob).status, {});
});

test('Job gets the defaults that a real server gives, and those of newer ones', () => {
  const { request, response } = recorded('defaults/job.json');
  const { object, errors } = createdAs(jobs, 'v1', request.body) as { object: Job; errors: [] };
  assert.deepEqual(errors, []);
  // The prefixed labels came with 1.27, completionMode and suspend with 1.21, the rest by 1.31.
  const labels = {
    'controller-uid': UID,
    'job-name': 'x',
    'batch.kubernetes.io/controller-uid': UID,
    'batch.kubernetes.io/job-name': 'x',
  };
  const { spec } = response.body;
  assert.deepEqual(object.spec, {
    ...spec,
    completionMode: 'NonIndexed',
    suspend: false,
    manualSelector: false,
    podReplacementPolicy: 'TerminatingOrFailed',
    selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': UID } },
    template: { ...spec.template, metadata: { labels } },
  });
  assert.deepEqual(object.metadata.labels, labels);
});

const counts = [
  { name: 'neither', spec: {}, wanted: [1, 1] },
  { name: 'parallelism alone', spec: { parallelism: 3 }, wanted: [3, undefined] },
  { name: 'completions alone', spec: { completions: 3 }, wanted: [1, 3] },
];
for (const { name, spec, wanted } of counts) {
  test(`Job defaults with ${name}`, () => {
    const { object } = createdAs(jobs, 'v1', job(spec));
    const { parallelism, completions } = (object as Job).spec ?? {};
    assert.deepEqual([parallelism, completions], wanted);
  });
}

for (const [kind, name, version] of [
  [cronJobs, 'cron-bad-schedule', 'v1beta1'],
  [jobs, 'job-bad-restart', 'v1'],
] as const) {
  test(`${kind.kind} is refused as a real server does: ${name}`, () => {
    const { request, response } = recorded(`errors/${name}.json`);
    const { errors } = createdAs(kind, version, request.body);
    assert.deepEqual(errors, response.body.details.causes);
  });
}

const refusals: { name: string; spec: object; wanted: string[] }[] = [
  {
    name: 'a selector of its own without manualSelector',
    spec: { selector: { matchLabels: { a: 'b' } } },
    wanted: ['spec.selector', 'spec.template.metadata.labels'],
  },
  {
    name: 'a wrong uid in the template',
    spec: { template: { ...TEMPLATE, metadata: { labels: { 'controller-uid': 'other' } } } },
    wanted: ['spec.template.metadata.labels[controller-uid]'],
  },
  {
    name: 'an indexed Job without completions',
    spec: { completionMode: 'Indexed', parallelism: 2 },
    wanted: ['spec.completions'],
  },
  {
    name: 'a limit for each index without indexes',
    spec: { backoffLimitPerIndex: 1 },
    wanted: ['spec.backoffLimitPerIndex'],
  },
  {
    name: 'a failure policy with an empty rule',
    spec: { podFailurePolicy: { rules: [{ action: 'Ignore' }] } },
    wanted: ['spec.podFailurePolicy.rules[0]'],
  },
  {
    name: 'a failure policy about what is not there',
    spec: {
      podFailurePolicy: {
        rules: [
          {
            action: 'FailIndex',
            onExitCodes: { containerName: 'd', operator: 'In', values: [2, 0, 2] },
          },
        ],
      },
    },
    wanted: [
      'spec.podFailurePolicy.rules[0].action',
      'spec.podFailurePolicy.rules[0].onExitCodes.containerName',
      'spec.podFailurePolicy.rules[0].onExitCodes.values[1]',
      'spec.podFailurePolicy.rules[0].onExitCodes.values[2]',
      'spec.podFailurePolicy.rules[0].onExitCodes.values',
    ],
  },
];
for (const { name, spec, wanted } of refusals) {
  test(`Job validation refuses ${name}`, () => {
    const { errors } = createdAs(jobs, 'v1', job(spec));
    assert.deepEqual(
      errors.map(({ field }) => field),
      wanted,
    );
  });
}

test('Job with manualSelector keeps its own selector', () => {
  const own = { a: 'b' };
  const template = { ...TEMPLATE, metadata: { labels: own } };
  const spec = { manualSelector: true, selector: { matchLabels: own }, template };
  const { object, errors } = createdAs(jobs, 'v1', job(spec));
  assert.deepEqual(errors, []);
  assert.deepEqual((object as Job).spec?.selector, { matchLabels: own });
});

const updates: { name: string; from?: object; change?: object; pod?: object; wanted: string[] }[] =
  [
    { name: 'suspend', change: { suspend: true }, wanted: [] },
    { name: 'parallelism', change: { parallelism: 4 }, wanted: [] },
    {
      name: 'completions',
      change: { completions: 4 },
      wanted: ['spec.completions'],
    },
    {
      name: 'completions of an indexed Job, with its parallelism',
      from: { completionMode: 'Indexed', completions: 2, parallelism: 2 },
      change: { completions: 4, parallelism: 4 },
      wanted: [],
    },
    {
      name: 'placement of a running Job',
      pod: { nodeSelector: { a: 'b' } },
      wanted: ['spec.template'],
    },
    {
      name: 'placement of a suspended Job',
      from: { suspend: true },
      pod: { nodeSelector: { a: 'b' } },
      wanted: [],
    },
    {
      name: 'the image of a suspended Job',
      from: { suspend: true },
      pod: { containers: [{ name: 'c', image: 'other' }] },
      wanted: ['spec.template'],
    },
  ];
for (const { name, from = {}, change = {}, pod = {}, wanted } of updates) {
  test(`Job update of ${name} finds ${wanted.length} errors`, () => {
    const old = createdAs(jobs, 'v1', job(from)).object as Job;
    const body = structuredClone(old);
    Object.assign(body.spec ?? {}, change);
    Object.assign(body.spec?.template.spec ?? {}, pod);
    const { errors } = updatedAs(jobs, 'v1', { body, old });
    assert.deepEqual(
      errors.map(({ field }) => field),
      wanted,
    );
  });
}

const TIMES = { startTime: '2026-01-01T00:00:00Z' };
const rows: { name: string; spec: object; status: object; wanted: string[] }[] = [
  { name: 'not started', spec: {}, status: {}, wanted: ['Running', '0/1', ''] },
  {
    name: 'running',
    spec: { completions: 3 },
    status: { ...TIMES, succeeded: 1 },
    wanted: ['Running', '1/3', '5m'],
  },
  {
    name: 'a work queue',
    spec: { parallelism: 4 },
    status: {},
    wanted: ['Running', '0/1 of 4', ''],
  },
  {
    name: 'complete',
    spec: {},
    status: {
      ...TIMES,
      succeeded: 1,
      completionTime: '2026-01-01T00:00:07Z',
      conditions: [{ type: 'Complete', status: 'True' }],
    },
    wanted: ['Complete', '1/1', '7s'],
  },
];
for (const { name, spec, status, wanted } of rows) {
  test(`Job row when ${name}`, () => {
    const object = { ...createdAs(jobs, 'v1', job(spec)).object, status } as Job;
    const { Status, Completions, Duration } = rowOf(jobs, 'v1', { object, now: NOW });
    assert.deepEqual([Status, Completions, Duration], wanted);
  });
}

test('CronJob row', () => {
  const object = createdAs(cronJobs, 'v1', cronJob({})).object as CronJob;
  object.status = { lastScheduleTime: '2026-01-01T00:04:00Z', active: [{ name: 'a' }] };
  assert.deepEqual(rowOf(cronJobs, 'v1', { object, now: NOW }), {
    Name: 'x',
    Schedule: '*/1 * * * *',
    Timezone: '<none>',
    Suspend: 'False',
    Active: 1,
    'Last Schedule': '60s',
    Age: '<unknown>',
    Containers: 'c',
    Images: 'busybox',
    Selector: '<none>',
  });
});

const cronRefusals: { name: string; spec: object; wanted: string[] }[] = [
  { name: 'an empty schedule', spec: { schedule: '' }, wanted: ['spec.schedule: Required value'] },
  {
    name: 'TZ in the schedule',
    spec: { schedule: 'TZ=UTC 0 0 * * *' },
    wanted: [
      'spec.schedule: Invalid value: "TZ=UTC 0 0 * * *": cannot use TZ or CRON_TZ in schedule, use timeZone field instead',
    ],
  },
  {
    name: 'an unknown zone',
    spec: { timeZone: 'Nowhere/There' },
    wanted: ['spec.timeZone: Invalid value: "Nowhere/There": unknown time zone Nowhere/There'],
  },
  {
    name: 'an offset for a zone',
    spec: { timeZone: '+01:00' },
    wanted: ['spec.timeZone: Invalid value: "+01:00": unknown time zone +01:00'],
  },
  {
    name: 'an unknown policy',
    spec: { concurrencyPolicy: 'Queue' },
    wanted: [
      'spec.concurrencyPolicy: Unsupported value: "Queue": supported values: "Allow", "Forbid", "Replace"',
    ],
  },
];
for (const { name, spec, wanted } of cronRefusals) {
  test(`CronJob validation refuses ${name}`, () => {
    const { errors } = createdAs(cronJobs, 'v1', cronJob(spec));
    assert.deepEqual(
      errors.map(({ field, message }) => `${field}: ${message}`),
      wanted,
    );
  });
}

test('CronJob validation takes a zone and refuses a name too long for its jobs', () => {
  const body = cronJob({ timeZone: 'Europe/Berlin' });
  assert.deepEqual(createdAs(cronJobs, 'v1', body).errors, []);
  body.metadata.name = 'x'.repeat(53);
  assert.deepEqual(
    createdAs(cronJobs, 'v1', body).errors.map(({ field }) => field),
    ['metadata.name'],
  );
});

function job(spec: object): KubeObject {
  return {
    metadata: { name: 'x' },
    spec: { template: structuredClone(TEMPLATE), ...spec },
  } as KubeObject;
}

function cronJob(spec: object): KubeObject {
  const jobTemplate = { spec: { template: structuredClone(TEMPLATE) } };
  return {
    metadata: { name: 'x' },
    spec: { schedule: '*/1 * * * *', jobTemplate, ...spec },
  } as KubeObject;
}
