namespace MicroCdn.Settings;

/// <summary>A settings file cannot be used; the message is one sentence that names the file.</summary>
internal sealed class SettingsException(string message) : Exception(message);
