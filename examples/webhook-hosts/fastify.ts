/** The webhook in a Fastify application: in a plugin of its own, so that its bodies are left unread. */
// #region webhook
import fastify, { type FastifyInstance } from 'fastify';
import type { WebhookHandler } from 'roomkit';
import { toNodeListener } from 'roomkit/server';

export function application(webhook: WebhookHandler): FastifyInstance {
  const app = fastify();
  const listener = toNodeListener(webhook);
  app.get('/', () => 'My own page');
  void app.register((plugin, _options, done) => {
    plugin.removeAllContentTypeParsers();
    plugin.addContentTypeParser('*', (_request, _payload, next) => next(null)); // signatures are over the bytes as they came
    plugin.all('/webhooks/sms', (request, reply) => {
      reply.hijack();
      listener(request.raw, reply.raw);
    });
    done();
  });
  return app;
}
// #endregion
