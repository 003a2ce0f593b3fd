exports.Platform = { OS: 'web' };
