export * from './binding';
export * from './ecs-ipv6-targets';
export * from './props';
