export const PUBLISH = '/sluice.v1.Gateway/Publish';
