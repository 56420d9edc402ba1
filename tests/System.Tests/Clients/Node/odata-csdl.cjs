// Where the service's own JSON of its model differs from the JSON that odata-csdl makes of its XML.
const { readFileSync } = require('node:fs');
const { isDeepStrictEqual } = require('node:util');
const { xml2json } = require('odata-csdl');

const service = readFileSync(0, 'utf8');
const isObject = value => value !== null && typeof value === 'object' && !Array.isArray(value);

const differences = (path, theirs, ours) => isObject(theirs) && isObject(ours)
  ? [...new Set([...Object.keys(theirs), ...Object.keys(ours)])].flatMap(name => differences([...path, name], theirs[name], ours[name]))
  : isDeepStrictEqual(theirs, ours) ? [] : [{ path: path.join(' '), theirs, ours }];

(async () => {
  const theirs = xml2json(await (await fetch(`${service}/$metadata`)).text());
  const ours = await (await fetch(`${service}/$metadata?$format=json`)).json();
  // The references name the documents of the vocabularies, of which there is one in XML and one in JSON.
  const named = ({ $Reference, ...model }) => ({ ...model, $Reference: Object.fromEntries(Object.entries($Reference).map(([url, includes]) => [url.replace(/\.(xml|json)$/, ''), includes])) });
  console.log(JSON.stringify({ members: Object.keys(theirs.Metrics).length, differences: differences([], named(theirs), named(ours)) }));
})();
