// Plays the person at the provider's pages: follows forms with a jar of cookies, to the end or to a refusal.
// person.mjs URL LOGIN [deny]
const [url, login, deny] = process.argv.slice(2);
const jar = new Map();

async function go(address, form) {
  const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
  const body = form && new URLSearchParams(form);
  const answer = await fetch(address, { method: form ? 'POST' : 'GET', body, headers: { cookie }, redirect: 'manual' });
  for (const set of answer.headers.getSetCookie()) {
    const [pair] = set.split(';');
    const at = pair.indexOf('=');
    jar.set(pair.slice(0, at), pair.slice(at + 1));
  }
  const location = answer.headers.get('location');
  if (location) return go(new URL(location, address).href);
  return [address, await answer.text()];
}

const plain = (text) => text.replaceAll('&amp;', '&').replaceAll('&quot;', '"').replaceAll('&#39;', "'");

let [address, page] = await go(url);
for (let step = 0; step < 12; step++) {
  const form = page.match(/<form[^>]*>.*?<\/form>/s)?.[0];
  if (!form) break;
  const action = form.match(/action="([^"]*)"/)?.[1];
  const fields = {};
  for (const input of form.match(/<input[^>]*>/g) || []) {
    const name = input.match(/name="([^"]*)"/)?.[1];
    if (name) fields[name] = plain(input.match(/value="([^"]*)"/)?.[1] || '');
  }
  if ('login' in fields) Object.assign(fields, { login, password: 'x' });
  const abort = page.match(/href="([^"]*\/abort)"/)?.[1];
  if (deny && abort) [address, page] = await go(new URL(plain(abort), address).href);
  else {
    if (deny && page.includes('abort')) fields.abort = 'yes';
    [address, page] = await go(action ? new URL(plain(action), address).href : address, fields);
  }
}
console.log(page.replace(/<[^>]+>/g, ' ').trim().slice(-300));
