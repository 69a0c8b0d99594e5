/** The version of this package, as `/api/kit` and the documents say it; a test holds it against package.json. */
export const VERSION = '0.1.0';
