using System.IO.MemoryMappedFiles;

namespace Metrics.Drill;

/// <summary>What a worker is doing.</summary>
public enum Stage
{
    /// <summary>The process starts.</summary>
    Starting,

    /// <summary>Between two reads, or asking for a claim.</summary>
    Idle,

    /// <summary>It holds a claim and waits for the first page.</summary>
    Claimed,

    /// <summary>It has a page and waits for more.</summary>
    Reading,

    /// <summary>It has all pages and commits them.</summary>
    Committing,

    /// <summary>It computes facts.</summary>
    Recomputing,
}

/// <summary>A few bytes of a file shared by a worker and its executioner. They outlive <c>kill -9</c>, so that the stage at death is known
/// and not guessed.</summary>
public sealed class StageMark : IDisposable
{
    private readonly MemoryMappedFile file;
    private readonly MemoryMappedViewAccessor view;

    /// <summary>Opens the mark, and makes it where it is not.</summary>
    public StageMark(string path)
    {
        file = MemoryMappedFile.CreateFromFile(path, FileMode.OpenOrCreate, null, 64);
        view = file.CreateViewAccessor();
    }

    /// <summary>What the worker is doing.</summary>
    public Stage Stage
    {
        get => (Stage)view.ReadByte(0);
        set => view.Write(0, (byte)value);
    }

    /// <summary>Index of the source that it reads.</summary>
    public int Source
    {
        get => view.ReadByte(1);
        set => view.Write(1, (byte)value);
    }

    /// <summary>Reads that it ended.</summary>
    public int Reads
    {
        get => view.ReadInt32(4);
        set => view.Write(4, value);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        view.Dispose();
        file.Dispose();
    }
}
