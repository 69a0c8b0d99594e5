/**
 * `roomkit/phone`: phone numbers as vendors and stores want them, in E.164. Needs the package `libphonenumber-js`.
 * @module roomkit/phone
 */
export { isValidPhone, normalizePhone } from './normalize.js';
