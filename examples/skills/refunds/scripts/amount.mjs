// amount.mjs PRICE DAYS: what is paid back.
const [price, days] = process.argv.slice(2).map(Number);
const share = days <= 14 ? 1 : days <= 30 ? 0.5 : 0;
console.log((price * share).toFixed(2));
