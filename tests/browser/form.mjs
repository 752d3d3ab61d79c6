// A person at the secured form, in a real browser, without JavaScript if that is said.
// form.mjs LINK fill USER PASSWORD     fills the form and prints what the page says then
// form.mjs LINK show USER PASSWORD     fills it, has the password shown, prints the type and value of the field
// form.mjs LINK look FOLDER            checks with axe-core and takes pictures: phone and desktop, light and dark
// form.mjs FILE look FOLDER            the same of a mail that lies in a file
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';

const [link, what, ...rest] = process.argv.slice(2);
const url = link.startsWith('http') ? link : pathToFileURL(link).href;
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });

async function filled(user, password) {
  const context = await browser.newContext({ javaScriptEnabled: false, ignoreHTTPSErrors: true, locale: 'en-GB' });
  const page = await context.newPage();
  await page.goto(url);
  await page.getByLabel('User name').fill(user);
  await page.getByLabel('Password', { exact: true }).fill(password);
  return page;
}

if (what === 'fill') {
  const page = await filled(...rest);
  await page.getByRole('button', { name: 'Check and start' }).click();
  console.log(await page.locator('main').innerText());
} else if (what === 'show') {
  const page = await filled(...rest);
  await page.getByRole('button', { name: 'Show the password' }).click();
  const field = page.getByLabel('Password', { exact: true });
  console.log(await field.getAttribute('type'), await field.inputValue());
  await page.getByRole('button', { name: 'Hide the password' }).click();
  console.log(await field.getAttribute('type'));
} else {
  const axe = readFileSync(new URL('node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
  const findings = [];
  for (const [size, viewport] of Object.entries({ phone: { width: 360, height: 740 }, desktop: { width: 1280, height: 800 } })) {
    for (const colorScheme of ['light', 'dark']) {
      // Its policy allows no script: the check's own one is let in by the browser.
      const context = await browser.newContext({ viewport, colorScheme, bypassCSP: true, ignoreHTTPSErrors: true, locale: 'en-GB' });
      const page = await context.newPage();
      await page.goto(url);
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => globalThis.axe.run());
      for (const { id, nodes } of violations) findings.push(`${size} ${colorScheme} ${id}: ${nodes.map((node) => node.html).join(' ')}`);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
      if (wide) findings.push(`${size} ${colorScheme}: wider than the screen`);
      await page.screenshot({ path: `${rest[0]}-${size}-${colorScheme}.png`, fullPage: true });
      await context.close();
    }
  }
  console.log(findings.length ? findings.join('\n') : 'no findings');
}
await browser.close();
