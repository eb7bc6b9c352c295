namespace ArticDbm.Protocols.Postgres;

/// <summary>Types of messages from clients.</summary>
public static class FrontendMessage
{
    /// <summary>A simple query.</summary>
    public const byte Query = (byte)'Q';

    /// <summary>Parse a statement.</summary>
    public const byte Parse = (byte)'P';

    /// <summary>Bind a portal.</summary>
    public const byte Bind = (byte)'B';

    /// <summary>Describe a statement or portal.</summary>
    public const byte Describe = (byte)'D';

    /// <summary>Execute a portal.</summary>
    public const byte Execute = (byte)'E';

    /// <summary>Close a statement or portal.</summary>
    public const byte Close = (byte)'C';

    /// <summary>The end of a series of extended messages.</summary>
    public const byte Sync = (byte)'S';

    /// <summary>Send what waits.</summary>
    public const byte Flush = (byte)'H';

    /// <summary>The client leaves.</summary>
    public const byte Terminate = (byte)'X';

    /// <summary>COPY data.</summary>
    public const byte CopyData = (byte)'d';

    /// <summary>COPY is done.</summary>
    public const byte CopyDone = (byte)'c';

    /// <summary>COPY failed.</summary>
    public const byte CopyFail = (byte)'f';

    /// <summary>A function call by number.</summary>
    public const byte FunctionCall = (byte)'F';

    /// <summary>A password, or a step of SASL.</summary>
    public const byte Password = (byte)'p';
}

/// <summary>Types of messages from servers.</summary>
public static class BackendMessage
{
    /// <summary>A step of the log-in.</summary>
    public const byte Authentication = (byte)'R';

    /// <summary>The key for cancelling.</summary>
    public const byte BackendKeyData = (byte)'K';

    /// <summary>A setting's present value.</summary>
    public const byte ParameterStatus = (byte)'S';

    /// <summary>The server waits for a query.</summary>
    public const byte ReadyForQuery = (byte)'Z';

    /// <summary>An error.</summary>
    public const byte ErrorResponse = (byte)'E';

    /// <summary>A notice.</summary>
    public const byte NoticeResponse = (byte)'N';

    /// <summary>A notification of LISTEN.</summary>
    public const byte NotificationResponse = (byte)'A';

    /// <summary>A statement was parsed.</summary>
    public const byte ParseComplete = (byte)'1';

    /// <summary>A statement or portal was closed.</summary>
    public const byte CloseComplete = (byte)'3';

    /// <summary>A command is done; its tag tells how many rows.</summary>
    public const byte CommandComplete = (byte)'C';

    /// <summary>The server wants COPY data.</summary>
    public const byte CopyInResponse = (byte)'G';

    /// <summary>The protocol's version is not known whole.</summary>
    public const byte NegotiateProtocolVersion = (byte)'v';
}

/// <summary>The three answers of <c>ReadyForQuery</c>.</summary>
public static class TransactionStatus
{
    /// <summary>In no transaction.</summary>
    public const byte Idle = (byte)'I';

    /// <summary>In one.</summary>
    public const byte InTransaction = (byte)'T';

    /// <summary>In one that has failed.</summary>
    public const byte Failed = (byte)'E';
}
