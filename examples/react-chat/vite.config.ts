/** While you write the page: Vite serves it, and hands to the kit's server what is its. */
const server = { target: `http://127.0.0.1:${process.env.PORT ?? 4170}`, changeOrigin: false }; // the page has to be the server's own

export default () => ({ server: { proxy: { '/api': server, '/ws': { ...server, ws: true } } } });
