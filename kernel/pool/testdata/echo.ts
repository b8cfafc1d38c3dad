import { definePlugin, definePoint } from 'kernetes/sdk';

interface Echo {
  readonly greeting: string;
  echo(text: string): Promise<string>;
}
const echoPoint = definePoint<Echo>({ name: 'echo', combine: 'independent', methods: ['echo'] });

/** Copies the configMap that it finds, and offers an echo. */
export default definePlugin<{ suffix: string }>({
  name: 'test.echo',
  config: { type: 'object', properties: { suffix: { type: 'string' } } },
  async activate({ config, objects, provide, log, metrics }) {
    log.info('Echo stands', { suffix: config.suffix });
    metrics.counter('starts_total', 'Starts').add(1);
    provide(echoPoint, { greeting: 'hello', echo: async text => text + config.suffix });
    const map = { group: '', version: 'v1', resource: 'configmaps', namespace: 'default' };
    const found = await objects.request<{ data: object }>({ ...map, verb: 'get', name: 'one' });
    const body = { metadata: { name: 'two' }, data: found.data };
    await objects.request({ ...map, verb: 'create', body });
  },
});
