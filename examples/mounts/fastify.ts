/** RoomKit in a Fastify application: a plugin of its own, so that its bodies are left unread. */
// #region mount
import fastify, { type FastifyInstance } from 'fastify';
import { toNodeListener, type ServerHandler } from 'roomkit/server';

export function application(handle: ServerHandler): FastifyInstance {
  const app = fastify();
  const listener = toNodeListener(handle);
  app.get('/', () => 'My own page');
  void app.register((plugin, _options, done) => {
    plugin.removeAllContentTypeParsers();
    plugin.addContentTypeParser('*', (_request, _payload, next) => next(null)); // the handler reads bodies itself
    plugin.all('/api/*', (request, reply) => {
      reply.hijack();
      listener(request.raw, reply.raw);
    });
    done();
  });
  return app;
}
// #endregion
