// What runs in a page knows a page's types. The package itself is compiled without them (tsconfig.build.json).
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
