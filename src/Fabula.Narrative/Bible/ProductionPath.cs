namespace Fabula.Narrative;

/// <summary>Paths as documents may hold them: relative to the production folder, / between names, never out of it.</summary>
public static class ProductionPath
{
    /// <summary>
    /// True for 'pictures/ada.png'; false for absolute paths, drives, URLs, '..', '.', empty names, backslashes, control characters, and
    /// names that begin with '-' or '~', which a program could take for something else. Links
    /// on the disk are for the one who opens the file.
    /// </summary>
    public static bool IsInside(string path) =>
        path.Length is > 0 and <= 400 && !path.Any(letter => letter is '\\' or ':' || char.IsControl(letter))
        && path.Split('/').All(name => name.Length > 0 && name is not ("." or "..") && name[0] is not ('-' or '~') && name.Trim() == name);
}
