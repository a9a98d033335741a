// Which ops of a graph model TensorFlow.js cannot run, by backend: read from its own packages, as JSON.
//   npm --silent run ops > ../edgekit/formats/tfjs/ops.json
//
// The converter maps an op to functions of the core (operations/executors), those run kernels (core/ops), and a backend
// registers the kernels that it has. The first two are followed through the sources, the last is asked.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import ts from "typescript";

const BACKENDS = ["cpu", "wasm", "webgl", "webgpu"];
const require = createRequire(import.meta.url);
const CORE = packageFolder("@tensorflow/tfjs-core");
const OPERATIONS = join(packageFolder("@tensorflow/tfjs-converter"), "dist/operations");
// Beside the ops themselves the core has only what every backend can do.
const FOLLOWED = [join(CORE, "dist/ops"), join(OPERATIONS, "executors")];
// Branches that no inference reaches: gradients, and what stands in for fused kernels while gradients are taken.
const GRADIENTS = new Set(["grad", "gradFunc"]);
const NOT_IN_INFERENCE = /\bshouldFuse\(/;
// Complex tensors come from ops that are judged themselves; of the ops that take other tensors too, these branches do not
// count.
const COMPLEX_ONLY = /dtype === 'complex64'/;
const COMPLEX_OPS = new Set(["ComplexAbs"]);
const PARSED = new Map();

function packageFolder(name) {
  const path = require.resolve(name);
  return path.slice(0, path.lastIndexOf(name) + name.length);
}

/** What a module of theirs imports, exports and declares, by name; parsed once. */
function moduleAt(path) {
  const known = PARSED.get(path);
  if (known) return known;
  const source = ts.createSourceFile(path, readFileSync(path, "utf8"), ts.ScriptTarget.ES2022, true);
  const found = { path, source, imports: new Map(), exports: new Map(), stars: [], declared: new Map() };
  PARSED.set(path, found);
  for (const statement of source.statements) note(found, statement);
  return found;
}

function note(module, statement) {
  const from = statement.moduleSpecifier && fileOf(module.path, statement.moduleSpecifier.text);
  if (ts.isImportDeclaration(statement)) {
    const bindings = statement.importClause?.namedBindings;
    if (bindings && ts.isNamespaceImport(bindings)) module.imports.set(bindings.name.text, { path: from });
    for (const one of (bindings && ts.isNamedImports(bindings) && bindings.elements) || [])
      module.imports.set(one.name.text, { path: from, name: (one.propertyName ?? one.name).text });
  } else if (ts.isExportDeclaration(statement)) {
    if (!statement.exportClause) module.stars.push(from);
    for (const one of statement.exportClause?.elements ?? []) {
      const name = (one.propertyName ?? one.name).text;
      module.exports.set(one.name.text, { path: from ?? module.path, name });
    }
  } else if (ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement)) {
    module.declared.set(statement.name.text, statement);
  } else if (ts.isVariableStatement(statement)) {
    for (const one of statement.declarationList.declarations) module.declared.set(one.name.text, one.initializer);
  }
}

/** The file that a module's import means; undefined for packages. */
function fileOf(path, specifier) {
  const inCore = specifier.match(/^@tensorflow\/tfjs-core\/(dist\/.*)$/);
  if (inCore) return join(CORE, `${inCore[1]}.js`);
  return specifier.startsWith(".") ? `${resolve(dirname(path), specifier)}.js` : undefined;
}

/** Where a name that a module uses is declared, or undefined: { path, name }, without a name for a whole module. */
function declaration(path, name) {
  const module = moduleAt(path);
  if (module.declared.has(name)) return { path, name };
  const elsewhere = module.imports.get(name) ?? module.exports.get(name);
  if (elsewhere) {
    if (!elsewhere.path || !elsewhere.name) return elsewhere.path && elsewhere;
    return declaration(elsewhere.path, elsewhere.name);
  }
  for (const star of module.stars) {
    const found = star && declaration(star, name);
    if (found) return found;
  }
  return undefined;
}

/** As declaration, for what is written as `name` or `namespace.name` in a module. */
function target(path, expression) {
  if (ts.isIdentifier(expression)) {
    // The executors' parameter `ops` has tfOps, the core's functions, as its default.
    return declaration(path, expression.text === "ops" ? "tfOps" : expression.text);
  }
  if (!ts.isPropertyAccessExpression(expression)) return undefined;
  const space = target(path, expression.expression);
  if (!space) return undefined;
  if (!space.name) return declaration(space.path, expression.name.text);
  const value = moduleAt(space.path).declared.get(space.name);
  return value && ts.isObjectLiteralExpression(value) ? declaration(space.path, expression.name.text) : undefined;
}

/** Adds the kernels that a piece of a module's code runs, also through what it calls, to `into`. */
function kernels(path, node, into, complex, seen) {
  if (ts.isVariableDeclaration(node) && GRADIENTS.has(node.name.text)) return;
  if (ts.isIfStatement(node)) {
    const condition = node.expression.getText();
    if (NOT_IN_INFERENCE.test(condition) || (!complex && COMPLEX_ONLY.test(condition))) {
      if (node.elseStatement) kernels(path, node.elseStatement, into, complex, seen);
      return;
    }
  }
  if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
    if (node.expression.name.text === "runKernel") into.add(kernelName(path, node.arguments[0]));
  }
  if (ts.isIdentifier(node) || ts.isPropertyAccessExpression(node)) {
    const found = target(path, node);
    const code =
      found?.name &&
      FOLLOWED.some((folder) => found.path.startsWith(folder)) &&
      moduleAt(found.path).declared.get(found.name);
    if (code && !seen.has(code)) {
      seen.add(code);
      kernels(found.path, code, into, complex, seen);
    }
    if (ts.isPropertyAccessExpression(node) && !found) kernels(path, node.expression, into, complex, seen);
    return;
  }
  ts.forEachChild(node, (child) => kernels(path, child, into, complex, seen));
}

function kernelName(path, argument) {
  if (ts.isStringLiteral(argument)) return argument.text;
  const { path: names, name } = target(path, argument);
  return moduleAt(names).declared.get(name).text;
}

/** Ops that the converter maps: op → category. */
function mapped() {
  const mapper = join(OPERATIONS, "operation_mapper.js");
  const ops = new Map();
  for (const list of moduleAt(mapper).imports.values()) {
    if (!list.path?.includes("op_list")) continue;
    for (const entry of moduleAt(list.path).declared.get("json").elements) {
      const [op, category] = ["tfOpName", "category"].map(
        (key) => entry.properties.find((property) => property.name.text === key)?.initializer.text,
      );
      ops.set(op, category);
    }
  }
  return ops;
}

/** What an executor does for each op: op → the statements of its case, which it may share with those above. */
function cases(category) {
  const path = join(OPERATIONS, "executors", `${category}_executor.js`);
  const found = new Map();
  const visit = (node) => {
    if (ts.isCaseBlock(node)) {
      let waiting = [];
      for (const clause of node.clauses.filter(ts.isCaseClause)) {
        waiting.push(clause.expression.text);
        if (!clause.statements.length) continue;
        for (const op of waiting) found.set(op, { path, clause });
        waiting = [];
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(moduleAt(path).source);
  return found;
}

/** Backends that cannot run an op. */
function lacking(op, executor, registered) {
  const found = executor.get(op);
  if (!found) return BACKENDS;
  const needed = new Set();
  const seen = new Set();
  for (const statement of found.clause.statements) {
    kernels(found.path, statement, needed, COMPLEX_OPS.has(op), seen);
  }
  return BACKENDS.filter((backend) => [...needed].some((kernel) => !registered.get(backend).has(kernel)));
}

async function table() {
  const registered = new Map();
  for (const backend of BACKENDS) {
    await import(`@tensorflow/tfjs-backend-${backend}`);
    registered.set(backend, new Set(tf.getKernelsForBackend(backend).map((kernel) => kernel.kernelName)));
  }
  const executors = new Map();
  const ops = {};
  for (const [op, category] of [...mapped()].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (!executors.has(category)) executors.set(category, cases(category));
    ops[op] = lacking(op, executors.get(category), registered);
  }
  return { tfjs: tf.version_core, backends: BACKENDS, ops };
}

/** JSON with one op a line. */
function text({ tfjs, backends, ops }) {
  const lines = Object.entries(ops).map(([op, lacks]) => `    ${JSON.stringify(op)}: ${list(lacks)}`);
  return `{
  "tfjs": ${JSON.stringify(tfjs)},
  "backends": ${list(backends)},
  "lacked": {
${lines.join(",\n")}
  }
}
`;
}

function list(words) {
  return `[${words.map((word) => JSON.stringify(word)).join(", ")}]`;
}

process.stdout.write(text(await table()));
