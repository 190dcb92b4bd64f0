// Prints templates of imported constructs, for the test that compares them with template.yaml: a JSON object of name to
// { bindings: [{ service or family, targetGroupArn, port, … }], props } comes in, one of name to template goes out.
const { Template } = require('aws-cdk-lib/assertions');
const { readFileSync } = require('node:fs');
const { World } = require('./world');

const templates = Object.entries(JSON.parse(readFileSync(0, 'utf8'))).map(([name, { bindings, props }]) => {
  const world = new World();
  const made = bindings.map(({ service, targetGroupArn, ...others }) => ({
    ...(service ? { service: world.importedService(service) } : { cluster: world.importedCluster() }),
    ...(targetGroupArn.includes(':vpc-lattice:') ? { targetGroupArn } : { targetGroup: world.importedGroup(targetGroupArn) }),
    ...others,
  }));
  const targets = world.targets(made, props);
  const resources = Template.fromStack(world.stack).toJSON().Resources;
  // Those of the construct, by their names in it: Targets/Queue/Policy/Resource is Queue/Policy.
  const own = targets.node.findAll().flatMap((construct) => {
    const id = construct.logicalId && world.stack.resolve(construct.logicalId);
    const path = construct.node.path.split('/').slice(2).filter((part) => part !== 'Resource').join('/');
    return id ? [[path, { id, ...resources[id] }]] : [];
  });
  return [name, Object.fromEntries(own)];
});
console.log(JSON.stringify(Object.fromEntries(templates)));
